"""The parts of tools/bench/compare.sh. Each is a function of the Setting and returns rows; peers run in turn with Plumb."""

import dataclasses
import os
import statistics
from typing import Callable

from result_rows import Row
from sides import Peer, Plumb, interleave


TRANSFORMERS = ("torch", "transformers")
LLAMA_CPP = ("gguf", "llama_cpp", "numpy", "safetensors", *TRANSFORMERS)
TRL = ("accelerate", "datasets", "trl", *TRANSFORMERS)


@dataclasses.dataclass
class Setting:
    plumb: Plumb
    python: str  # of the peers, as all that follows
    environment: dict
    work: str
    rounds: int
    versions: dict = dataclasses.field(default_factory=dict)
    peers: list = dataclasses.field(default_factory=list)

    def model(self, preset):
        return os.path.join(self.work, preset)

    def prompts(self, preset):
        return os.path.join(self.work, f"tokenizer-{preset}", "prompts.jsonl")

    def peer(self, script, *arguments):
        """A started peer; close_peers() ends it."""
        peer = Peer([self.python, script, *arguments], self.environment, self.work)
        self.peers.append(peer)
        self.versions.update({key: peer.ready[key] for key in
                              ("torch", "transformers", "trl", "llama-cpp-python", "capability", "system",
                               "largest_logit_difference") if key in peer.ready})
        return peer

    def close_peers(self):
        while self.peers:
            self.peers.pop().close()


@dataclasses.dataclass(frozen=True)
class Section:
    """What it measures, the model that it needs, and the packages of its peers."""

    rows: Callable[[Setting], list]
    preset: str = ""
    packages: tuple = ()


def transformers(setting, preset):
    return "transformers", setting.peer("transformers_peer.py", "--model", setting.model(preset))


def llama_cpp(setting, preset):
    check = ["--check"] if preset == "bench-t" else []
    return "llama.cpp", setting.peer("llama_cpp_peer.py", "--model", setting.model(preset), "--work", setting.work, *check)


def generation(setting, preset, part, case, peers):
    """A row for each peer: tokens per second of `part`, "prefill" or "decode", of one case."""
    batch, prompt, new = case

    def own():
        words = ["--new", new] if part == "decode" else []
        return setting.plumb.bench(part, "--model", setting.model(preset), "--batch", batch, "--prompt", prompt,
                                   "--rounds", 1, *words)["cases"][0][part]

    tokens = batch * (new - 1 if part == "decode" else prompt)
    for peer in peers.values():
        peer.round(batch=batch, prompt=prompt, new=new)  # tries its settings, and warms up
    sides = {"plumb": own, **{name: lambda peer=peer: peer.round(batch=batch, prompt=prompt, new=new)
                              for name, peer in peers.items()}}
    results = interleave(setting.rounds, sides)
    rates = [result["tokens_per_second"] for result in results["plumb"]]
    shares = [result["share_of_bound"] for result in results["plumb"]]
    rows = []
    for name in peers:
        last = results[name][-1]
        note = ", ".join(f"{key} {last[key]}" for key in ("threads", "flash") if key in last)
        length = f", {new} new" if part == "decode" else ""
        rows.append(Row(f"{part} {preset}, B={batch}, prompt {prompt}{length}", "tok/s", rates, name,
                        [tokens / result[f"{part}_seconds"] for result in results[name]], shares, note))
    return rows


def small_model(setting, part, cases):
    rows = []
    peers = dict([transformers(setting, "bench-t"), llama_cpp(setting, "bench-t")])
    for case in cases:
        rows += generation(setting, "bench-t", part, case, peers)
    return rows


def decode(setting):
    return small_model(setting, "decode", [(1, 128, 128), (8, 128, 128), (64, 128, 128)])


def prefill(setting):
    return small_model(setting, "prefill", [(1, 128, 1), (8, 128, 1), (64, 128, 1)])


def large(setting):
    """Model P against llama.cpp; transformers where it takes no minutes."""
    rows = []
    peers = dict([llama_cpp(setting, "bench-p")])
    for case in [(1, 128, 32), (32, 128, 32)]:
        rows += generation(setting, "bench-p", "decode", case, peers)
    rows += generation(setting, "bench-p", "prefill", (1, 256, 1), peers)
    return rows


def step_rows(name, tokens, own, own_note, peer_name, peer_results, peer_note):
    rates = [tokens / seconds for seconds, _ in own]
    return Row(name, "tok/s", rates, peer_name, [tokens / result["seconds"] for result in peer_results],
               [share for _, share in own], f"{own_note}; {peer_note}")


def fastest(setting, script, micros, *arguments):
    """The micro-batch of `micros` whose second step is the fastest, by a process for each."""
    seconds = {}
    for micro in micros:
        with setting.peer(script, *arguments, "--micro", micro) as peer:
            seconds[micro] = min(peer.round()["seconds"] for _ in range(2))
    return min(seconds, key=seconds.get)


def sft(setting):
    """16 rows of 512 tokens, AdamW, clipped to 1; each side at its fastest micro-batch."""
    model = setting.model("bench-t")
    tried = setting.plumb.bench("sft", "--model", model, "--rounds", 3)
    best = tried["best"]["micro_batch_tokens"]

    def own():
        step = setting.plumb.bench("sft", "--model", model, "--rounds", 1, "--micro-batch-tokens", best)["best"]["step"]
        return step["median"], step["share_of_bound"]

    plain = setting.peer("transformers_sft_peer.py", "--model", model, "--micro", "1,2,4,16")
    micro = fastest(setting, "trl_sft_peer.py", [1, 2, 4], "--model", model)
    trl = setting.peer("trl_sft_peer.py", "--model", model, "--micro", micro)
    results = interleave(setting.rounds, {"plumb": own, "plain": plain.round, "trl": trl.round})
    note = f"micro-batch {best} tokens"
    return [step_rows("SFT step bench-t, 16 x 512", 8192, results["plumb"], note, "transformers + AdamW",
                      results["plain"], f"{plain.ready['micro']} rows"),
            step_rows("SFT step bench-t, 16 x 512", 8192, results["plumb"], note, "TRL SFTTrainer", results["trl"],
                      f"{micro} rows")]


def grpo(setting):
    """8 prompts x 8, prompt 64, completion 128; each side at its fastest micro-batch."""
    words = ["grpo", "--model", setting.model("bench-t"), "--data", setting.prompts("bench-t"), "--micro-batch-tokens"]
    tried = {tokens: setting.plumb.bench(*words, tokens, "--rounds", 2)["seconds"]["step"]
             for tokens in (512, 1024, 2048, 4096)}
    best = min(tried, key=tried.get)

    arguments = ["--model", setting.model("bench-t"), "--data", setting.prompts("bench-t")]
    micro = fastest(setting, "trl_grpo_peer.py", [8, 16, 32], *arguments)
    trl = setting.peer("trl_grpo_peer.py", *arguments, "--micro", micro)
    results = interleave(setting.rounds, {"plumb": lambda: setting.plumb.bench(*words, best, "--rounds", 1),
                                          "trl": trl.round})
    own, theirs = results["plumb"], results["trl"]
    split = ", ".join(f"{part} {statistics.median(r['seconds'][part] for r in own):.2f} s"
                      for part in ("rollout", "train", "sync"))
    generated = statistics.median(r["generate_seconds"] for r in theirs)
    note = f"micro-batch {best} tokens: {split}; {micro} sequences: generation {generated:.1f} s"
    return [Row("GRPO step bench-t, 8 x 8, 64 + 128", "steps/min", [60 / r["seconds"]["step"] for r in own],
                "TRL GRPOTrainer", [60 / r["seconds"] for r in theirs], [r["share_of_bound"] for r in own], note)]


def kernels(setting):
    result = setting.plumb.bench("kernels", "--rounds", setting.rounds)
    rows = []
    for case in result["cases"]:
        streaming = case["name"].startswith("C1")
        key, unit, share = (("gigabytes_per_second", "GB/s", "share_of_read_bandwidth") if streaming else
                            ("gflops", "GFLOP/s", "share_of_fma_peak"))
        rows.append(Row(f"{case['name']}, {case['rows']} x {case['depth']} by {case['depth']} x {case['columns']}", unit,
                        [case[key]] * setting.rounds, shares=[case[share]]))
    return rows


def logits(setting):
    result = setting.plumb.bench("logits")
    own, held = result["plumb"]["extra_bytes"], result["held_logits"]["extra_bytes"]
    note = f"N={result['rows']}, V={result['vocabulary']}: logits {result['logits_bytes'] / 1e6:.0f} MB"
    return [Row("log-probabilities, extra memory", "MB", [own / 1e6], "held logits", [held / 1e6], note=note)]


SECTIONS = {"kernels": Section(kernels),
            "decode": Section(decode, "bench-t", LLAMA_CPP),
            "prefill": Section(prefill, "bench-t", LLAMA_CPP),
            "large": Section(large, "bench-p", LLAMA_CPP),
            "sft": Section(sft, "bench-t", TRL),
            "grpo": Section(grpo, "bench-t", TRL),
            "logits": Section(logits)}
