#!/usr/bin/env python3
"""llama.cpp (through llama-cpp-python) as a peer: float32 weights and cache, sampled at temperature 1 in numpy.

A round {"batch": B, "prompt": P, "new": N} answers prefill_seconds, until the logits of the last positions are there, and
decode_seconds, of the N - 1 steps behind it with their sampling. Before the first round of a case flash attention off and
on are tried, and the faster is kept. --check FOLDER compares the first logits with transformers'.
"""

import argparse
import ctypes
import os
import time

import gguf_writer
from peer_rounds import bench_ids, serve, threads

import llama_cpp
import llama_cpp.llama_cpp as api
import numpy as np


def fill(batch, index, token, position, sequence, wants_logits):
    batch.token[index], batch.pos[index], batch.n_seq_id[index] = int(token), position, 1
    batch.seq_id[index][0], batch.logits[index] = sequence, wants_logits


class Case:
    """A context for B sequences."""

    def __init__(self, model, vocabulary, order, flash):
        self.vocabulary, self.batch, self.prompt, self.new = vocabulary, order["batch"], order["prompt"], order["new"]
        params = api.llama_context_default_params()
        per_sequence = -(-(self.prompt + self.new) // 256) * 256
        params.n_ctx, params.n_seq_max = self.batch * per_sequence, self.batch
        params.n_batch, params.n_ubatch = max(self.batch * self.prompt, 512), 512
        params.n_threads = params.n_threads_batch = threads()
        params.flash_attn_type = flash
        params.type_k = params.type_v = 0  # float32
        self.context = api.llama_init_from_model(model, params)
        assert self.context, "llama.cpp made no context"
        self.prompts = api.llama_batch_init(self.batch * self.prompt, 0, 1)
        self.step = api.llama_batch_init(self.batch, 0, 1)
        self.rng = np.random.default_rng(0)
        self.ids = [bench_ids(row, self.prompt, vocabulary) for row in range(self.batch)]

    def decode(self, batch, count):
        batch.n_tokens = count
        assert api.llama_decode(self.context, batch) == 0
        api.llama_synchronize(self.context)
        return np.ctypeslib.as_array(api.llama_get_logits(self.context), shape=(self.batch, self.vocabulary))

    def prefill(self):
        api.llama_memory_clear(api.llama_get_memory(self.context), True)
        for sequence, ids in enumerate(self.ids):
            for position, token in enumerate(ids):
                fill(self.prompts, sequence * self.prompt + position, token, position, sequence,
                     position == self.prompt - 1)
        begin = time.perf_counter()
        logits = self.decode(self.prompts, self.batch * self.prompt)
        return time.perf_counter() - begin, logits

    def round(self):
        prefill, logits = self.prefill()
        begin = time.perf_counter()
        for index in range(self.new - 1):
            noise = np.maximum(self.rng.standard_exponential(logits.shape, dtype=np.float32), 1e-30)
            tokens = np.argmin(np.log(noise) - logits, axis=1)  # the Gumbel way to draw from softmax(logits)
            for sequence in range(self.batch):
                fill(self.step, sequence, tokens[sequence], self.prompt + index, sequence, True)
            logits = self.decode(self.step, self.batch)
        return {"prefill_seconds": prefill, "decode_seconds": time.perf_counter() - begin}

    def close(self):
        api.llama_batch_free(self.prompts)
        api.llama_batch_free(self.step)
        api.llama_free(self.context)


class Peer:
    def __init__(self, folder, path):
        self.folder = folder
        self.config = gguf_writer.write(folder, path)
        self.model = api.llama_model_load_from_file(path.encode(), api.llama_model_default_params())
        assert self.model, "llama.cpp could not load the file"
        self.flash = {}

    def case(self, order, flash):
        return Case(self.model, self.config["vocab_size"], order, flash)

    def once(self, order, flash):
        case = self.case(order, flash)
        try:
            case.prefill()  # warm
            return dict(case.round(), flash=flash)
        finally:
            case.close()

    def round(self, order):
        key = (order["batch"], order["prompt"], order["new"])
        if key not in self.flash:
            part = "decode_seconds" if order["new"] > 1 else "prefill_seconds"
            self.flash[key] = min((0, 1), key=lambda flash: self.once(order, flash)[part])
        return self.once(order, self.flash[key])

    def largest_difference(self):
        """Of the logits behind a prompt to those of transformers."""
        import torch
        from transformers import AutoModelForCausalLM
        case = self.case({"batch": 1, "prompt": 128, "new": 1}, 0)
        own = case.prefill()[1].copy()
        model = AutoModelForCausalLM.from_pretrained(self.folder, dtype=torch.float32)
        with torch.inference_mode():
            other = model(torch.tensor(case.ids), logits_to_keep=1).logits[:, -1].numpy()
        case.close()
        return float(np.abs(own - other).max())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", required=True, help="folder for the GGUF file")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    quiet = api.llama_log_callback(lambda level, text, user: None)
    api.llama_log_set(quiet, ctypes.c_void_p(0))
    api.llama_backend_init()
    path = os.path.join(options.work, os.path.basename(options.model.rstrip("/")) + ".gguf")
    peer = Peer(options.model, path)
    ready = {"llama-cpp-python": llama_cpp.__version__, "system": api.llama_print_system_info().decode()}
    if options.check:
        ready["largest_logit_difference"] = peer.largest_difference()
    serve(ready, peer.round)


if __name__ == "__main__":
    main()
