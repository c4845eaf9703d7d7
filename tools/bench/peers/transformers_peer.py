#!/usr/bin/env python3
"""transformers' generate() as a peer: float32, sampled at temperature 1 over the whole vocabulary, no end but the length.

A round {"batch": B, "prompt": P, "new": N} answers prefill_seconds, of a forward over the prompts with logits of the last
positions, and decode_seconds, of generate() without that; N = 1 leaves generate() out. Before the first round of a batch
size one thread and all threads are tried, and the faster is kept.
"""

import argparse
import time

from peer_rounds import bench_ids, serve, threads

import torch
import transformers


class Peer:
    def __init__(self, folder):
        self.model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.threads = {}

    def prefill(self, ids):
        begin = time.perf_counter()
        with torch.inference_mode():
            self.model(ids, attention_mask=torch.ones_like(ids), use_cache=True, logits_to_keep=1)
        return time.perf_counter() - begin

    def generate(self, ids, new):
        config = transformers.GenerationConfig(max_new_tokens=new, do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                                               pad_token_id=2, eos_token_id=None, use_cache=True)
        begin = time.perf_counter()
        out = self.model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
        seconds = time.perf_counter() - begin
        assert out.shape[1] == ids.shape[1] + new, out.shape
        return seconds

    def round(self, order):
        vocabulary = self.model.config.vocab_size
        ids = torch.tensor([bench_ids(row, order["prompt"], vocabulary) for row in range(order["batch"])])
        key = (order["batch"], order["new"] > 1)
        if key not in self.threads:
            self.threads[key] = self.best_threads(ids, order["new"])
        torch.set_num_threads(self.threads[key])
        prefill = self.prefill(ids)
        row = {"prefill_seconds": prefill, "threads": self.threads[key]}
        if order["new"] > 1:
            row["decode_seconds"] = self.generate(ids, order["new"]) - prefill
        return row

    def best_threads(self, ids, new):
        """The faster of one and all, with warm caches."""
        seconds = {}
        for count in sorted({1, threads()} if ids.shape[0] == 1 else {threads()}):
            torch.set_num_threads(count)
            for _ in range(2):  # the first is a warm-up
                seconds[count] = self.generate(ids, min(new, 24)) if new > 1 else self.prefill(ids)
        return min(seconds, key=seconds.get)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    peer = Peer(parser.parse_args().model)
    serve({"torch": torch.__version__, "transformers": transformers.__version__,
           "capability": torch.backends.cpu.get_cpu_capability()}, peer.round)


if __name__ == "__main__":
    main()
