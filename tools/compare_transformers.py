#!/usr/bin/env python3
"""Compares Plumb with transformers on random small models of the DeepSeek-V2 and V3 families.

Needs torch, transformers 5 and safetensors; it is not part of the tests. Each configuration is built and written by
transformers; `plumb score --all-logits` and `plumb gradients` read what was written. With --exports, what
`plumb checkpoint export` writes is read back by transformers, in every form.

    python tools/compare_transformers.py --plumb build/plumb --count 200
    python tools/compare_transformers.py --plumb build/plumb --exports
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file

LOGITS_TOLERANCE = 2e-4  # of a logit, where logits have a standard deviation of 2.5
GRADIENT_TOLERANCE = 1e-3  # of a tensor's largest gradient
CLOSE_CHOICE = 3e-5  # a distance of router scores below which float32 may choose either way


def random_rope(rng, width):
    parameters = {"rope_type": "default", "rope_theta": rng.choice([1e4, 5e4, 1e6])}
    if rng.random() < 0.35:
        return parameters
    parameters.update(rope_type="yarn", factor=rng.choice([2.0, 8.0, 32.0, 40.0]), beta_fast=rng.choice([32, 16, 1]),
                      beta_slow=1, original_max_position_embeddings=rng.choice([16, 64, 4096]))
    # One alone means another thing in DeepSeek's own code, so Plumb refuses it.
    scales = rng.choice([(1.0, 1.0), (0.707, 0.707), (1.0, 0.5), None])
    if scales is not None:
        parameters.update(mscale=scales[0], mscale_all_dim=scales[1])
    if rng.random() < 0.1:
        parameters["attention_factor"] = 1.25
    if rng.random() < 0.1:
        parameters["truncate"] = False
    return parameters


def random_experts(rng, family):
    groups = rng.choice([1, 1, 2, 4])
    per_group = rng.choice([2, 3, 4])
    kept = rng.randint(1, groups)
    fields = {"n_routed_experts": groups * per_group, "n_shared_experts": rng.choice([1, 2]), "n_group": groups,
              "topk_group": kept, "num_experts_per_tok": rng.randint(1, min(4, kept * per_group)),
              "moe_intermediate_size": rng.choice([8, 12, 24]), "routed_scaling_factor": rng.choice([1.0, 2.5, 16.0])}
    if family == "v2":
        # transformers ignores norm_topk_prob of V2, which DeepSeek's own code obeys.
        fields.update(topk_method="greedy" if groups == 1 else "group_limited_greedy", norm_topk_prob=False)
    else:
        fields.update(norm_topk_prob=rng.random() < 0.7)
    return fields


def random_config(rng):
    family = rng.choice(["v2", "v3"])
    layers = rng.randint(1, 4)
    heads = rng.choice([1, 2, 3, 4])
    rope_width = rng.choice([4, 8, 16])
    fields = {"vocab_size": rng.choice([64, 130, 257]), "hidden_size": heads * rng.choice([16, 20, 24]),
              "intermediate_size": rng.choice([40, 64, 96]), "num_hidden_layers": layers, "num_attention_heads": heads,
              "num_key_value_heads": heads, "q_lora_rank": rng.choice([None, 12, 24]),
              "kv_lora_rank": rng.choice([8, 20, 32]), "qk_nope_head_dim": rng.choice([8, 12, 16]),
              "qk_rope_head_dim": rope_width, "v_head_dim": rng.choice([6, 16, 24]),
              "first_k_dense_replace": rng.randint(0, layers), "rms_norm_eps": rng.choice([1e-6, 1e-5]),
              "attention_bias": rng.random() < 0.3, "tie_word_embeddings": rng.random() < 0.3,
              "max_position_embeddings": 512, "rope_parameters": random_rope(rng, rope_width),
              "bos_token_id": 0, "eos_token_id": 1}
    fields.update(random_experts(rng, family))
    if family == "v3" and rng.random() < 0.2:
        fields["rope_interleave"] = False
    kind = transformers.DeepseekV2Config if family == "v2" else transformers.DeepseekV3Config
    return kind(**fields)


def build_model(config, seed):
    """Random weights with clear logits, and biases of both signs that are not small."""
    torch.manual_seed(seed)
    kind = (transformers.DeepseekV2ForCausalLM if config.model_type == "deepseek_v2"
            else transformers.DeepseekV3ForCausalLM)
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    model = kind(config).float().eval()
    with torch.no_grad():
        for name, value in list(model.named_parameters()) + list(model.named_buffers()):
            if name.endswith("inv_freq"):
                continue
            if "norm" in name:
                value.copy_(1.0 + 0.1 * torch.randn_like(value))
            elif value.dim() == 1:
                value.copy_(0.2 * torch.randn_like(value))
            elif "embed" in name or "lm_head" in name:
                value.copy_(torch.randn_like(value) * (2.5 / config.hidden_size ** 0.5 if "lm_head" in name else 1.0))
            else:
                value.copy_(torch.randn_like(value) * 1.4 / value.shape[-1] ** 0.5)
    return model


def sequences_for(config, rng):
    lengths = [1 + rng.randint(1, 8), 20, rng.choice([40, 90])]
    return [[rng.randrange(config.vocab_size) for _ in range(length)] for length in lengths]


def reference(model, rows):
    """Logits of each row, and the gradients of the mean next-token loss over all rows, under published names."""
    losses, logits = [], []
    for row in rows:
        out = model(torch.tensor([row])).logits[0].float()
        logits.append(out.detach())
        losses.append(torch.nn.functional.cross_entropy(out[:-1], torch.tensor(row[1:]), reduction="sum"))
    loss = sum(losses) / sum(len(row) - 1 for row in rows)
    model.zero_grad()
    loss.backward()
    gradients = {}
    for name, value in model.named_parameters():
        gradient = torch.zeros_like(value) if value.grad is None else value.grad
        if name.endswith("experts.gate_up_proj"):
            for expert in range(value.shape[0]):
                prefix = f"{name[:-len('gate_up_proj')]}{expert}."
                gate, up = gradient[expert].chunk(2, dim=0)
                gradients[prefix + "gate_proj.weight"], gradients[prefix + "up_proj.weight"] = gate, up
        elif name.endswith("experts.down_proj"):
            for expert in range(value.shape[0]):
                gradients[f"{name[:-len('down_proj')]}{expert}.down_proj.weight"] = gradient[expert]
        else:
            gradients[name] = gradient
    return logits, loss.item(), gradients


def smallest_gap(scores, chosen):
    """The smallest distance, over rows, of the last chosen score to the first refused one."""
    if chosen >= scores.shape[-1]:
        return float("inf")
    ordered = scores.sort(-1, descending=True).values
    gaps = ordered[:, chosen - 1] - ordered[:, chosen]
    return gaps[gaps.isfinite()].min().item() if gaps.isfinite().any() else float("inf")


def choice_gap(config, scores):
    """The distance by which a router's choice of groups and experts was made."""
    gap = float("inf")
    if config.n_group > 1:
        grouped = scores.view(scores.shape[0], config.n_group, -1)
        two_best = config.model_type == "deepseek_v3"
        groups = grouped.topk(2, -1).values.sum(-1) if two_best else grouped.max(-1).values
        gap = smallest_gap(groups, config.topk_group)
        kept = torch.zeros_like(groups).scatter_(1, groups.topk(config.topk_group, -1).indices, 1.0)
        scores = grouped.masked_fill(kept.unsqueeze(-1) == 0, float("-inf")).flatten(1)
    return min(gap, smallest_gap(scores, config.num_experts_per_tok))


def closest_choice(model, rows):
    """The smallest distance by which a router of the model chooses in these rows."""
    config = model.config
    gaps = [float("inf")]

    def watch(module, inputs, outputs):
        hidden = inputs[0].reshape(-1, inputs[0].shape[-1]).float()
        scores = hidden @ module.gate.weight.float().t()
        if config.model_type == "deepseek_v2":
            scores = scores.softmax(-1)
        else:
            scores = scores.sigmoid() + module.gate.e_score_correction_bias
        gaps.append(choice_gap(config, scores))

    hooks = [module.register_forward_hook(watch) for module in model.modules() if type(module).__name__.endswith("MoE")
             or type(module).__name__.endswith("Moe")]
    with torch.no_grad():
        for row in rows:
            model(torch.tensor([row]))
    for hook in hooks:
        hook.remove()
    return min(gaps)


class Plumb:
    """Runs the program on model folders."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, *words):
        done = subprocess.run([self.program, *words], capture_output=True, text=True,
                              env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"})
        if done.returncode != 0:
            raise RuntimeError(f"plumb {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def write_rows(self, name, rows):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
        return path

    def logits(self, model, rows):
        path = self.write_rows("score.jsonl", [{"prompt_ids": row, "completion_ids": []} for row in rows])
        output = os.path.join(self.folder, "logits.safetensors")
        self.run("score", "--model", model, "--input", path, "--output", os.path.join(self.folder, "scores.jsonl"),
                 "--all-logits", output, "--threads", "1")
        found = load_file(output)
        return [found[f"logits.{index}"] for index in range(len(rows))]

    def gradients(self, model, rows):
        path = self.write_rows("ids.jsonl", [{"ids": row} for row in rows])
        output = os.path.join(self.folder, "gradients.safetensors")
        self.run("gradients", "--model", model, "--input", path, "--output", output, "--threads", "1")
        return load_file(output)


def compare_logits(found, expected):
    """The largest share of the tolerance that a logit uses."""
    worst = 0.0
    for left, right in zip(found, expected):
        tolerance = LOGITS_TOLERANCE * max(1.0, right.std().item() / 2.5 if right.numel() > 1 else 1.0)
        worst = max(worst, (left - right).abs().max().item() / tolerance)
    return worst


def compare_gradients(found, loss, expected):
    problems = []
    names = set(found) - {"loss"}
    if names != set(expected):
        return float("inf"), [f"names differ: {sorted(names ^ set(expected))[:4]}"]
    worst = abs(found["loss"].item() - loss) / 1e-4
    # A router of one expert whose weight is normalised to 1 has the gradient 0 but for rounding.
    floor = 1e-6 * max(gradient.abs().max().item() for gradient in expected.values())
    for name, gradient in expected.items():
        largest = gradient.abs().max().item()
        share = (found[name] - gradient).abs().max().item() / (GRADIENT_TOLERANCE * largest + floor)
        if share > 1:
            problems.append(f"{name}: {share:.3g} of the tolerance")
        worst = max(worst, share)
    return worst, problems


def describe(config):
    keys = ("model_type", "num_hidden_layers", "first_k_dense_replace", "hidden_size", "num_attention_heads",
            "q_lora_rank", "kv_lora_rank", "n_routed_experts", "num_experts_per_tok", "n_group", "topk_group",
            "attention_bias", "tie_word_embeddings", "rope_parameters")
    return json.dumps({key: getattr(config, key, None) for key in keys})


def compare_random(plumb, count, seed):
    worst_logits = worst_gradients = 0.0
    failures = redrawn = 0
    families = {"deepseek_v2": 0, "deepseek_v3": 0}
    for index in range(count):
        attempt = 0
        while True:
            rng = random.Random(f"{seed}.{index}.{attempt}")
            config = random_config(rng)
            model = build_model(config, rng.randrange(1 << 30))
            rows = sequences_for(config, rng)
            if closest_choice(model, rows) > CLOSE_CHOICE:
                break
            attempt, redrawn = attempt + 1, redrawn + 1
        with tempfile.TemporaryDirectory(dir=plumb.folder) as folder:
            model.save_pretrained(folder, max_shard_size=rng.choice(["20KB", "5GB"]))
            expected, loss, gradients = reference(model, rows)
            logits_share = compare_logits(plumb.logits(folder, rows), expected)
            gradients_share, problems = compare_gradients(plumb.gradients(folder, rows), loss, gradients)
        families[config.model_type] += 1
        worst_logits, worst_gradients = max(worst_logits, logits_share), max(worst_gradients, gradients_share)
        if logits_share > 1 or gradients_share > 1:
            failures += 1
            print(f"configuration {index}: logits {logits_share:.3g}, gradients {gradients_share:.3g} of the tolerance "
                  f"{problems[:3]}\n  {describe(config)}")
    print(f"{count} configurations {families}, {redrawn} redrawn for close choices: {failures} differ; largest share of "
          f"the tolerance: logits {worst_logits:.3g}, gradients {worst_gradients:.3g}")
    return failures


EXPORT_FORMS = [["--dtype", dtype, "--experts", experts, "--spelling", spelling]
                for dtype in ("same", "bfloat16", "float16") for experts in ("separate", "fused")
                for spelling in ("hub", "transformers-5")] + [["--dtype", "fp8"],
                                                              ["--dtype", "fp8", "--scales", "powers-of-two"]]


def load_export(folder, form):
    options = {"dtype": torch.float32, "attn_implementation": "eager"}
    if "fp8" in form:
        options["quantization_config"] = transformers.FineGrainedFP8Config(dequantize=True)
    model, report = transformers.AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, **options)
    left = {kind: names for kind, names in report.items() if names and kind != "error_msgs"}
    return model.float().eval(), left


def suits_exports(config, family):
    """A model of the family with experts, whose matrices are one block of 128 x 128 each: transformers takes the scales
    of partial blocks for those of equal parts of the matrix."""
    heads = config.num_attention_heads
    rows = max(heads * (config.qk_nope_head_dim + config.v_head_dim), heads * config.qk_head_dim)
    return (config.model_type == f"deepseek_{family}" and config.first_k_dense_replace < config.num_hidden_layers
            and rows <= 128)


def compare_exports(plumb, seed):
    failures = 0
    for family in ("v2", "v3"):
        index = 0
        while True:
            rng = random.Random(f"{seed}.exports.{index}")
            config = random_config(rng)
            index += 1
            if suits_exports(config, family):
                break
        model = build_model(config, seed)
        rows = sequences_for(config, rng)
        with tempfile.TemporaryDirectory(dir=plumb.folder) as root:
            source = os.path.join(root, "source")
            model.save_pretrained(source)
            for number, form in enumerate(EXPORT_FORMS):
                target = os.path.join(root, f"export{number}")
                plumb.run("checkpoint", "export", source, target, "--shard-gigabytes", "0.00005", *form)
                try:
                    loaded, left = load_export(target, form)
                    with torch.no_grad():
                        expected = [loaded(torch.tensor([row])).logits[0].float() for row in rows]
                    share = compare_logits(plumb.logits(target, rows), expected)
                    verdict = "equal" if share <= 1 and not left else f"DIFFERS {left}"
                except Exception as error:  # what transformers cannot load is a result too
                    share, verdict = float("nan"), f"NOT LOADED: {type(error).__name__}: {str(error)[:200]}"
                failures += verdict != "equal"
                print(f"{family} {' '.join(form)}: {verdict}, {share:.3g} of the tolerance")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plumb", default="build/plumb")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--exports", action="store_true", help="let transformers read what plumb exports")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        plumb = Plumb(os.path.abspath(options.plumb), folder)
        failures = (compare_exports(plumb, options.seed) if options.exports
                    else compare_random(plumb, options.count, options.seed))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
