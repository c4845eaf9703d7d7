#!/usr/bin/env python3
"""TRL's SFTTrainer as a peer: a step on full rows of ids, float32, --micro rows per backward pass."""

import argparse
import tempfile

from peer_rounds import bench_ids
from trl_rounds import RoundCallback, load_policy

import trl
from datasets import Dataset


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--micro", type=int, default=1)
    options = parser.parse_args()
    model, tokenizer = load_policy(options.model)
    rows = [bench_ids(row, options.length, model.config.vocab_size) for row in range(options.batch)]
    steps = 1000  # more than anybody asks for
    with tempfile.TemporaryDirectory() as folder:
        config = trl.SFTConfig(
            output_dir=folder, max_length=options.length, per_device_train_batch_size=options.micro,
            gradient_accumulation_steps=options.batch // options.micro, max_steps=steps, learning_rate=1e-4,
            logging_steps=1, save_strategy="no", report_to="none", use_cpu=True, bf16=False,
            gradient_checkpointing=False, disable_tqdm=True, seed=0)
        ready = {"trl": trl.__version__, "micro": options.micro}
        trl.SFTTrainer(model=model, args=config, train_dataset=Dataset.from_dict({"input_ids": rows}),
                       processing_class=tokenizer, callbacks=[RoundCallback(ready)]).train()


if __name__ == "__main__":
    main()
