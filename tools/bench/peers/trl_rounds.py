"""A TRL trainer whose steps are rounds: it waits before each step for an order, and answers with the step's seconds."""

import time

from peer_rounds import next_order, say, threads

import torch
import transformers


def load_policy(folder):
    """The model in float32 and its tokenizer, with the threads that this round may use and seed 0."""
    torch.set_num_threads(threads())
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model, transformers.PreTrainedTokenizerFast(tokenizer_file=folder + "/tokenizer.json",
                                                       eos_token="<|eos|>", pad_token="<|pad|>")


class RoundCallback(transformers.TrainerCallback):
    """The first `warm` steps run without an order. `parts` gives more members of the answer."""

    def __init__(self, ready, warm=1, parts=dict):
        self.ready, self.warm, self.parts = ready, warm, parts
        self.begin = None

    def on_step_begin(self, args, state, control, **_):
        if state.global_step == self.warm:
            say(ready=self.ready)
        if state.global_step >= self.warm and next_order() is None:
            raise SystemExit(0)
        self.parts()
        self.begin = time.perf_counter()

    def on_step_end(self, args, state, control, **_):
        seconds = time.perf_counter() - self.begin
        if state.global_step > self.warm:
            say(seconds=seconds, **self.parts())
