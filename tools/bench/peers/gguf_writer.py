"""Writes a float32 policy folder as a float32 GGUF file in llama.cpp's deepseek2 layout, without a vocabulary.

The latent attention is one key and value head; kv_b is split into k_b, transposed, and v_b, as llama.cpp's own converter
does. q_lora_rank is written as 0 where the model has none: the loader takes its absence for some layer counts only.
"""

import json
import os

import gguf
import numpy as np
from safetensors.numpy import load_file

NAMES = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
         "self_attn.q_a_proj": "attn_q_a", "self_attn.q_b_proj": "attn_q_b", "self_attn.q_a_layernorm": "attn_q_a_norm",
         "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa", "self_attn.kv_a_layernorm": "attn_kv_a_norm",
         "self_attn.o_proj": "attn_output", "mlp.gate": "ffn_gate_inp"}


def add_shapes(writer, config):
    heads, nope, rope = (config[key] for key in ("num_attention_heads", "qk_nope_head_dim", "qk_rope_head_dim"))
    lora = config["kv_lora_rank"]
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(rope)
    writer.add_leading_dense_block_count(config["first_k_dense_replace"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_q_lora_rank(config["q_lora_rank"] or 0)
    writer.add_kv_lora_rank(lora)
    writer.add_key_length(lora + rope)
    writer.add_value_length(lora)
    writer.add_key_length_mla(nope + rope)
    writer.add_value_length_mla(config["v_head_dim"])


def add_experts(writer, config):
    sigmoid = config["scoring_func"] == "sigmoid"
    writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    writer.add_expert_count(config["n_routed_experts"])
    writer.add_expert_used_count(config["num_experts_per_tok"])
    writer.add_expert_shared_count(config["n_shared_experts"])
    writer.add_expert_weights_scale(config["routed_scaling_factor"])
    writer.add_expert_weights_norm(bool(config["norm_topk_prob"]))
    kinds = gguf.ExpertGatingFuncType
    writer.add_expert_gating_func(kinds.SIGMOID if sigmoid else kinds.SOFTMAX)
    writer.add_tokenizer_model("none")


def layer_tensors(weights, config, layer):
    """(name in the file, array) of a layer."""
    source, target = f"model.layers.{layer}.", f"blk.{layer}."
    for name, new in NAMES.items():
        if source + name + ".weight" in weights:
            yield target + new + ".weight", weights[source + name + ".weight"]
    bias = source + "mlp.gate.e_score_correction_bias"
    if bias in weights:
        yield target + "exp_probs_b.bias", weights[bias]
    nope, value = config["qk_nope_head_dim"], config["v_head_dim"]
    kv_b = weights[source + "self_attn.kv_b_proj.weight"].reshape(
        config["num_attention_heads"], nope + value, config["kv_lora_rank"])
    yield target + "attn_k_b.weight", kv_b[:, :nope].transpose(0, 2, 1)
    yield target + "attn_v_b.weight", kv_b[:, nope:]
    for part in ("gate", "up", "down"):
        if layer < config["first_k_dense_replace"]:
            yield target + f"ffn_{part}.weight", weights[source + f"mlp.{part}_proj.weight"]
            continue
        experts = [weights[source + f"mlp.experts.{e}.{part}_proj.weight"] for e in range(config["n_routed_experts"])]
        yield target + f"ffn_{part}_exps.weight", np.stack(experts)
        yield target + f"ffn_{part}_shexp.weight", weights[source + f"mlp.shared_experts.{part}_proj.weight"]


def write(folder, path):
    """Returns the folder's config.json."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    weights = load_file(os.path.join(folder, "model.safetensors"))
    writer = gguf.GGUFWriter(path, "deepseek2")
    add_shapes(writer, config)
    add_experts(writer, config)
    writer.add_tensor("token_embd.weight", weights["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights["model.norm.weight"])
    writer.add_tensor("output.weight", weights["lm_head.weight"])
    for layer in range(config["num_hidden_layers"]):
        for name, array in layer_tensors(weights, config, layer):
            writer.add_tensor(name, np.ascontiguousarray(array, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return config
