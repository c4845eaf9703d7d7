import importlib.util
import json
import os
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Last: a script there has the name of one of examples/arithmetic.
sys.path.append(os.path.join(SOURCE, "tools", "bench", "peers"))

LACKING = [name for name in ("gguf", "numpy", "safetensors") if importlib.util.find_spec(name) is None]
if not LACKING:
    import gguf
    import gguf_writer
    import numpy as np
    from safetensors.numpy import save_file

# D=4, H=2, Dn=2, Dr=2, Dv=3, Rkv=5, V=7, I=6; the first layer is dense, the second has E=2 experts and 1 shared one.
CONFIG = {"num_attention_heads": 2, "qk_nope_head_dim": 2, "qk_rope_head_dim": 2, "v_head_dim": 3, "kv_lora_rank": 5,
          "q_lora_rank": None, "num_hidden_layers": 2, "max_position_embeddings": 64, "hidden_size": 4,
          "intermediate_size": 6, "moe_intermediate_size": 3, "n_routed_experts": 2, "num_experts_per_tok": 1,
          "n_shared_experts": 1, "first_k_dense_replace": 1, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
          "vocab_size": 7, "scoring_func": "sigmoid", "norm_topk_prob": True, "routed_scaling_factor": 2.5}


def shapes():
    found = {"model.embed_tokens": (7, 4), "model.norm": (4,), "lm_head": (7, 4)}
    for layer in (0, 1):
        prefix = f"model.layers.{layer}."
        found.update({prefix + "input_layernorm": (4,), prefix + "post_attention_layernorm": (4,),
                      prefix + "self_attn.q_proj": (8, 4), prefix + "self_attn.kv_a_proj_with_mqa": (7, 4),
                      prefix + "self_attn.kv_a_layernorm": (5,), prefix + "self_attn.kv_b_proj": (10, 5),
                      prefix + "self_attn.o_proj": (4, 6)})
    mlps = {"model.layers.0.mlp.": 6, "model.layers.1.mlp.experts.0.": 3, "model.layers.1.mlp.experts.1.": 3,
            "model.layers.1.mlp.shared_experts.": 3}
    for prefix, width in mlps.items():
        found.update({prefix + "gate_proj": (width, 4), prefix + "up_proj": (width, 4), prefix + "down_proj": (4, width)})
    found["model.layers.1.mlp.gate"] = (2, 4)
    return {name + ".weight": shape for name, shape in found.items()}


@unittest.skipIf(LACKING, f"Python packages that are not installed: {', '.join(LACKING)}")
class GgufWriterTest(unittest.TestCase):
    """A tiny folder, written and read back with the reader of llama.cpp's own package."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        with open(os.path.join(folder.name, "config.json"), "w", encoding="utf-8") as file:
            json.dump(CONFIG, file)
        random = np.random.default_rng(0)
        cls.weights = {name: random.standard_normal(shape, dtype=np.float32) for name, shape in shapes().items()}
        cls.weights["model.layers.1.mlp.gate.e_score_correction_bias"] = np.array([0.25, -0.5], dtype=np.float32)
        save_file(cls.weights, os.path.join(folder.name, "model.safetensors"))
        path = os.path.join(folder.name, "model.gguf")
        cls.returned = gguf_writer.write(folder.name, path)
        cls.reader = gguf.GGUFReader(path)
        cls.tensors = {tensor.name: np.array(tensor.data) for tensor in cls.reader.tensors}

    def field(self, name):
        return self.reader.get_field("deepseek2." + name).contents()

    def test_returns_the_configuration(self):
        self.assertEqual(self.returned, CONFIG)

    def test_the_latent_attention_is_one_key_and_value_head(self):
        lengths = ("attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length",
                   "attention.key_length_mla", "attention.value_length_mla", "attention.kv_lora_rank",
                   "attention.q_lora_rank", "rope.dimension_count")
        self.assertEqual([self.field(name) for name in lengths], [2, 1, 7, 5, 4, 3, 5, 0, 2])

    def test_the_experts_are_described(self):
        counts = ("expert_count", "expert_used_count", "expert_shared_count", "expert_feed_forward_length",
                  "leading_dense_block_count", "expert_weights_scale", "expert_weights_norm")
        self.assertEqual([self.field(name) for name in counts], [2, 1, 1, 3, 1, 2.5, True])
        self.assertEqual(self.field("expert_gating_func"), gguf.ExpertGatingFuncType.SIGMOID)

    def test_kv_b_is_split_by_head_and_its_keys_are_transposed(self):
        kv_b = self.weights["model.layers.1.self_attn.kv_b_proj.weight"]
        for head in (0, 1):
            keys, values = kv_b[5 * head:5 * head + 2], kv_b[5 * head + 2:5 * head + 5]
            np.testing.assert_array_equal(self.tensors["blk.1.attn_k_b.weight"][head], keys.T)
            np.testing.assert_array_equal(self.tensors["blk.1.attn_v_b.weight"][head], values)

    def test_experts_are_stacked_in_their_order(self):
        for part in ("gate", "up", "down"):
            for expert in (0, 1):
                np.testing.assert_array_equal(self.tensors[f"blk.1.ffn_{part}_exps.weight"][expert],
                                              self.weights[f"model.layers.1.mlp.experts.{expert}.{part}_proj.weight"])

    def test_all_else_keeps_its_form_under_llama_cpps_names(self):
        for new, name in {"token_embd.weight": "model.embed_tokens.weight", "output.weight": "lm_head.weight",
                          "output_norm.weight": "model.norm.weight",
                          "blk.0.attn_norm.weight": "model.layers.0.input_layernorm.weight",
                          "blk.0.ffn_norm.weight": "model.layers.0.post_attention_layernorm.weight",
                          "blk.0.attn_q.weight": "model.layers.0.self_attn.q_proj.weight",
                          "blk.0.attn_kv_a_mqa.weight": "model.layers.0.self_attn.kv_a_proj_with_mqa.weight",
                          "blk.0.attn_output.weight": "model.layers.0.self_attn.o_proj.weight",
                          "blk.0.ffn_down.weight": "model.layers.0.mlp.down_proj.weight",
                          "blk.1.ffn_gate_inp.weight": "model.layers.1.mlp.gate.weight",
                          "blk.1.ffn_up_shexp.weight": "model.layers.1.mlp.shared_experts.up_proj.weight",
                          "blk.1.exp_probs_b.bias": "model.layers.1.mlp.gate.e_score_correction_bias"}.items():
            np.testing.assert_array_equal(self.tensors[new], self.weights[name], new)

    def test_nothing_is_left_out(self):
        self.assertEqual(sum(tensor.size for tensor in self.tensors.values()),
                         sum(tensor.size for tensor in self.weights.values()))


if __name__ == "__main__":
    unittest.main()
