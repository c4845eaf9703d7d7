#!/usr/bin/env python3
"""Measures the memory and the time of loading a checkpoint of more than 4 GB, which it makes and removes.

    tools/bench/load_memory.py --plumb build/plumb --work /tmp

The model has V2-Lite's widths and 4 layers, 2.25 G parameters, 4.5 GB in bfloat16. Each case is a run of `plumb score` on
two tokens, or of `plumb checkpoint`, beside which /proc/PID/status is read every 5 ms: RssAnon is memory of its own,
RssFile are pages of mapped files, which the system can take back at any time; both stand at their own peak. What the
program takes without a model is measured on a model of a few kilobytes and subtracted. The times are those of `plumb bench
load`, with the files in the system's cache and without.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time

TOKENIZER = os.path.join(os.path.dirname(__file__), "../../examples/arithmetic/tokenizer.json")
LARGE = {
    "architectures": ["DeepseekV2ForCausalLM"], "model_type": "deepseek_v2", "hidden_size": 2048,
    "intermediate_size": 10944, "moe_intermediate_size": 1408, "num_hidden_layers": 4, "num_attention_heads": 16,
    "num_key_value_heads": 16, "q_lora_rank": None, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64, "v_head_dim": 128, "n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6,
    "n_group": 1, "topk_group": 1, "topk_method": "greedy", "scoring_func": "softmax", "norm_topk_prob": False,
    "routed_scaling_factor": 1.0, "first_k_dense_replace": 1, "moe_layer_freq": 1, "initializer_range": 0.02,
    "rms_norm_eps": 1e-6, "rope_theta": 10000, "rope_scaling": None, "max_position_embeddings": 4096,
    "tie_word_embeddings": False, "torch_dtype": "bfloat16", "vocab_size": 102400}
SMALL = {**LARGE, "hidden_size": 64, "intermediate_size": 64, "moe_intermediate_size": 16, "num_attention_heads": 2,
         "num_key_value_heads": 2, "kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 16, "v_head_dim": 16,
         "num_hidden_layers": 2, "vocab_size": 4096}


def watch(command):
    """Runs a command; returns its peaks in bytes by the names of /proc/PID/status, and its seconds."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peaks = {"RssAnon": 0, "RssFile": 0, "VmHWM": 0}
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                for line in status:
                    key = line.split(":")[0]
                    if key in peaks:
                        peaks[key] = max(peaks[key], int(line.split()[1]) * 1024)
        except (FileNotFoundError, ProcessLookupError):
            break
        time.sleep(0.005)
    errors = process.stderr.read()
    if process.wait() != 0:
        sys.exit(f"{' '.join(command)}: {errors}")
    return peaks, time.monotonic() - start


def folder_bytes(folder):
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)
               if name.endswith(".safetensors"))


def largest_tensor(folder):
    """The bytes of the largest tensor of a folder."""
    largest = 0
    for name in os.listdir(folder):
        if name.endswith(".safetensors"):
            with open(os.path.join(folder, name), "rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            largest = max(largest, *(tensor["data_offsets"][1] - tensor["data_offsets"][0]
                                     for key, tensor in header.items() if key != "__metadata__"))
    return largest


class Bench:
    """The folders of one measurement and the program that is measured."""

    def __init__(self, plumb, root):
        self.plumb, self.root = plumb, root
        self.rows = self.path("rows.jsonl")
        with open(self.rows, "w") as file:
            file.write('{"prompt_ids": [1], "completion_ids": [2]}\n')

    def path(self, name):
        return os.path.join(self.root, name)

    def make(self, name, config):
        with open(self.path(name + ".json"), "w") as file:
            json.dump(config, file)
        subprocess.run([self.plumb, "init", "--config", self.path(name + ".json"), "--tokenizer", TOKENIZER, "--dtype",
                        "bfloat16", "--out", self.path(name)], check=True, stdout=subprocess.DEVNULL)

    def export(self, source, target, *form):
        return watch([self.plumb, "checkpoint", "export", self.path(source), self.path(target), "--skip-logits", *form])

    def load(self, name):
        return watch([self.plumb, "score", "--model", self.path(name), "--input", self.rows, "--output",
                      self.path("scores.jsonl"), "--dtype", "bfloat16", "--threads", "1"])

    def rate(self, name, *form):
        """The JSON of `plumb bench load`."""
        done = subprocess.run([self.plumb, "bench", "load", "--model", self.path(name), "--dtype", "bfloat16", *form],
                              check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plumb", default="build/plumb")
    parser.add_argument("--work", default=None, help="a folder with 12 GB of free disk; a temporary one is made in it")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}")
    with tempfile.TemporaryDirectory(dir=options.work) as root:
        bench = Bench(os.path.abspath(options.plumb), root)
        bench.make("small", SMALL)
        bench.make("large", LARGE)
        base, _ = bench.load("small")
        weights = folder_bytes(bench.path("large"))
        print(f"checkpoint: {weights / 1e9:.3f} GB in bfloat16; the program alone: "
              f"{base['RssAnon'] / 1e6:.0f} MB of its own, {base['RssFile'] / 1e6:.0f} MB of mapped files")

        def show(case, peaks, seconds, loaded, folder):
            extra = peaks["RssAnon"] - base["RssAnon"] - loaded
            print(f"{case}: {seconds:.0f} s; peak RssAnon {peaks['RssAnon'] / 1e9:.3f} GB = weights "
                  f"{loaded / 1e9:.3f} + {extra / 1e6:.0f} MB besides the program's own; peak RssFile "
                  f"{peaks['RssFile'] / 1e6:.0f} MB; peak RSS {peaks['VmHWM'] / 1e9:.3f} GB; largest tensor "
                  f"{largest_tensor(bench.path(folder)) / 1e6:.0f} MB", flush=True)

        def show_rates(folder):
            for form in ([], ["--cold"]):
                row = bench.rate(folder, *form)
                seconds = row["load"]["seconds"]
                print(f"  {row['cache']}: {row['load']['median']:.2f} s ({min(seconds):.2f}-{max(seconds):.2f}), "
                      f"{row['gigabytes_per_second']:.2f} GB/s, {100 * row['share_of_file_bandwidth']:.0f} % of "
                      f"{row['file_gigabytes_per_second']:.2f} GB/s; {row['extra_bytes'] / 1e6:.0f} MB besides the weights",
                      flush=True)

        show("load bfloat16", *bench.load("large"), weights, "large")
        show_rates("large")
        show("export to FP8 blocks", *bench.export("large", "fp8", "--dtype", "fp8", "--shard-gigabytes", "1"), 0,
             "fp8")
        show("load FP8 blocks into bfloat16", *bench.load("fp8"), weights, "fp8")
        show_rates("fp8")
        show("export to fused experts", *bench.export("large", "fused", "--experts", "fused"), 0, "fused")
        show("load fused experts", *bench.load("fused"), weights, "fused")
        show_rates("fused")


if __name__ == "__main__":
    main()
