#!/usr/bin/env python3
"""TRL's GRPOTrainer as a peer: a step on the CPU with transformers' generate(), float32, no KL term, fixed lengths.

Its own profiling contexts say how the step is split; here they are collected instead of sent to a metrics service.
"""

import argparse
import collections
import json
import tempfile

from trl_rounds import RoundCallback, load_policy

import torch
import trl
import trl.extras.profiling
from datasets import Dataset

spent = collections.Counter()
trl.extras.profiling.ProfilingContext._log_metrics = lambda self, seconds: spent.update(
    {self.name.split(".")[-1]: seconds})


def parts():
    """What was spent since the last call."""
    row = {"generate_seconds": spent["generate"], "reward_seconds": spent["_calculate_rewards"],
           "loss_forward_seconds": spent["compute_loss"]}
    spent.clear()
    return row


def reward(completions, **_):
    """As the verifiers of `plumb bench grpo`: of every third character, whether it is one of a to m, with weights 1, 1/2, ..."""
    return [sum(0.5 ** k for k in range(10) if "a" <= text[3 * k:3 * k + 1] <= "m") for text in completions]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, help="JSONL rows with prompt")
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--new", type=int, default=128)
    parser.add_argument("--micro", type=int, default=16, help="sequences per backward pass")
    options = parser.parse_args()
    model, tokenizer = load_policy(options.model)
    with open(options.data, encoding="utf-8") as file:
        prompts = [json.loads(line)["prompt"] for line in file]
    sequences = options.prompts * options.group
    with tempfile.TemporaryDirectory() as folder:
        config = trl.GRPOConfig(
            output_dir=folder, per_device_train_batch_size=options.micro,
            gradient_accumulation_steps=sequences // options.micro, num_generations=options.group,
            max_completion_length=options.new, max_steps=1000, learning_rate=1e-5, temperature=1.0, beta=0.0,
            generation_kwargs={"min_new_tokens": options.new}, logging_steps=1, save_strategy="no", report_to="none",
            use_cpu=True, bf16=False, gradient_checkpointing=False, disable_tqdm=True, seed=0)
        ready = {"trl": trl.__version__, "torch": torch.__version__, "micro": options.micro}
        trl.GRPOTrainer(model=model, reward_funcs=reward, args=config, processing_class=tokenizer,
                        train_dataset=Dataset.from_dict({"prompt": prompts}),
                        callbacks=[RoundCallback(ready, parts=parts)]).train()


if __name__ == "__main__":
    main()
