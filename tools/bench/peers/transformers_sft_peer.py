#!/usr/bin/env python3
"""An SFT step of transformers' model in a plain PyTorch loop as a peer: float32, AdamW (fused), gradients clipped to norm 1.

Before the first round every micro-batch size of --micro is timed; rounds take the fastest.
"""

import argparse
import time

from peer_rounds import bench_ids, serve, threads

import torch
import transformers


class Peer:
    def __init__(self, options):
        torch.set_num_threads(threads())
        torch.manual_seed(0)
        self.model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).train()
        self.model.config.use_cache = False
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, weight_decay=0.0, fused=True)
        vocabulary = self.model.config.vocab_size
        self.ids = torch.tensor([bench_ids(row, options.length, vocabulary) for row in range(options.batch)])
        self.tried = {micro: self.seconds(micro) for micro in options.micro}
        self.micro = min(self.tried, key=self.tried.get)

    def step(self, micro):
        pieces = self.ids.split(micro)
        begin = time.perf_counter()
        for piece in pieces:
            loss = self.model(piece, labels=piece, use_cache=False).loss / len(pieces)
            loss.backward()
            loss.item()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return time.perf_counter() - begin

    def seconds(self, micro):
        return min(self.step(micro) for _ in range(2))

    def round(self, _):
        return {"seconds": self.step(self.micro), "micro": self.micro}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--micro", type=lambda text: [int(word) for word in text.split(",")], default=[1, 2, 4])
    peer = Peer(parser.parse_args())
    serve({"torch": torch.__version__, "transformers": transformers.__version__, "micro": peer.micro,
           "tried": peer.tried}, peer.round)


if __name__ == "__main__":
    main()
