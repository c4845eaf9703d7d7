#include "policy/kernels/cpu/attention_forward.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/mla_attention.h"
#include "tests/policy/exactness/each_isa.h"

namespace plumb {
namespace {

constexpr int64_t kHeads = 5;
constexpr int64_t kValueWidth = 19;
constexpr int64_t kWidth = 26;
constexpr double kScale = 0.35;

// A sequence as attention sees it; the first `shared` positions may be those of a prompt that it shares.
struct Sequence {
  at::Tensor queries;  // [T, H, W]
  at::Tensor latents;  // [T, W]
  std::vector<int32_t> pages;
};

// Tokens first ... first + count - 1 of a sequence.
struct Part {
  size_t sequence;
  int64_t first;
  int64_t count;
};

// Sequences whose latents lie in pages in random order; all memory that no sequence has written is not a number.
class PagedSequences {
 public:
  PagedSequences(at::ScalarType type, uint32_t seed) : type_(type), random_(seed) {
    cache_ = *LatentCache::Create({1, kWidth, type}, kNumPages, at::kCPU);
    cache_.layer(0).fill_(std::numeric_limits<float>::quiet_NaN());
    for (int32_t page = 1; page < kNumPages; ++page) free_.push_back(page);
    std::shuffle(free_.begin(), free_.end(), random_);
  }

  // Returns the new sequence's index. Its first positions are those of `sibling`, in whole pages that both read.
  size_t Add(int64_t length, int64_t shared_pages = 0, size_t sibling = 0) {
    Sequence sequence;
    sequence.queries = at::randn({length, kHeads, kWidth}).to(type_);
    sequence.latents = at::randn({length, kWidth}).to(type_);
    if (shared_pages > 0) {
      const Sequence& other = sequences_[sibling];
      sequence.latents.narrow(0, 0, shared_pages * kPageTokens)
          .copy_(other.latents.narrow(0, 0, shared_pages * kPageTokens));
      sequence.pages.assign(other.pages.begin(), other.pages.begin() + shared_pages);
    }
    while (static_cast<int64_t>(sequence.pages.size()) * kPageTokens < length) {
      sequence.pages.push_back(free_.back());
      free_.pop_back();
    }
    sequences_.push_back(sequence);
    return sequences_.size() - 1;
  }

  const Sequence& sequence(size_t index) const { return sequences_[index]; }

  // Writes the parts' latents and computes their rows in one call.
  std::vector<at::Tensor> Run(const std::vector<Part>& parts) {
    PackedTokens tokens;
    KvView view;
    view.cache = &cache_;
    std::vector<at::Tensor> queries;
    std::vector<at::Tensor> positions;
    tokens.starts.push_back(0);
    for (const Part& part : parts) {
      const Sequence& sequence = sequences_[part.sequence];
      Write(sequence, part);
      queries.push_back(sequence.queries.narrow(0, part.first, part.count));
      positions.push_back(at::arange(part.first, part.first + part.count, at::kLong));
      tokens.starts.push_back(tokens.starts.back() + part.count);
      view.pages.push_back(sequence.pages);
    }
    tokens.positions = at::cat(positions);
    tokens.ids = at::zeros_like(tokens.positions);
    const AttentionPlan plan = PlanAttention(tokens, view, kHeads);
    const at::Tensor output = MlaAttentionOverPages(at::cat(queries), cache_.layer(0), plan, kValueWidth, kScale);
    std::vector<at::Tensor> results;
    for (size_t i = 0; i < parts.size(); ++i) results.push_back(output.narrow(0, tokens.starts[i], parts[i].count));
    return results;
  }

  // Writes all of a sequence's latents, as if it had been computed before.
  void Fill(size_t index) { Write(sequences_[index], {index, 0, sequences_[index].latents.size(0)}); }

  // The sequence alone, without a cache.
  at::Tensor Alone(size_t index) const {
    const Sequence& sequence = sequences_[index];
    const PackedTokens tokens = PackSequences({std::vector<int64_t>(sequence.latents.size(0), 1)});
    const AttentionPlan plan = PlanAttention(tokens, KvView::Own(), kHeads);
    return MlaAttention(sequence.queries, sequence.latents, plan, kValueWidth, kScale);
  }

 private:
  static constexpr int32_t kNumPages = 400;

  void Write(const Sequence& sequence, const Part& part) {
    const at::Tensor rows = cache_.layer(0).view({-1, kWidth});
    for (int64_t position = part.first; position < part.first + part.count; ++position) {
      rows[sequence.pages[position / kPageTokens] * kPageTokens + position % kPageTokens].copy_(
          sequence.latents[position]);
    }
  }

  const at::ScalarType type_;
  std::mt19937 random_;
  LatentCache cache_;
  std::vector<int32_t> free_;
  std::vector<Sequence> sequences_;
};

// Every class, thread count and type.
void ForEachSetting(const std::function<void(at::ScalarType type)>& body) {
  const at::NoGradGuard no_grad;
  at::manual_seed(11);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    SCOPED_TRACE(at::toString(type));
    testing::ForEachIsa([&](cpu::Isa) { testing::ForEachThreadCount([&](int) { body(type); }); });
  }
}

TEST(AttentionForwardPropertyTest, PrefillInChunksEqualsTheTrainingForm) {
  ForEachSetting([](at::ScalarType type) {
    for (const int64_t chunk : {1, 7, 64, 500, 1100}) {
      PagedSequences paged(type, 3);
      const int64_t length = chunk == 1 ? 330 : 1100;
      const size_t probe = paged.Add(length);
      const at::Tensor expected = paged.Alone(probe);
      for (int64_t first = 0; first < length; first += chunk) {
        const int64_t count = std::min(chunk, length - first);
        const at::Tensor found = paged.Run({{probe, first, count}})[0];
        ASSERT_TRUE(found.equal(expected.narrow(0, first, count))) << "chunk of " << chunk << " at " << first;
      }
    }
  });
}

TEST(AttentionForwardPropertyTest, DecodeInABatchEqualsTheTrainingForm) {
  ForEachSetting([](at::ScalarType type) {
    PagedSequences paged(type, 4);
    const size_t probe = paged.Add(330);
    paged.Fill(probe);
    const at::Tensor expected = paged.Alone(probe).narrow(0, 329, 1);
    std::vector<size_t> others;
    for (int64_t i = 0; i < 63; ++i) {
      // Some share the probe's first pages, some have a longer context, some are alone.
      const int64_t shared = i % 3 == 0 ? 2 + i % 4 : 0;
      others.push_back(paged.Add(shared * kPageTokens + 1 + (i * 37) % 190, shared, probe));
      paged.Fill(others.back());
    }
    for (const size_t batch : {1, 2, 3, 7, 16, 17, 64}) {
      for (size_t row = 0; row<batch; row += batch> 17 ? 9 : 1) {
        std::vector<Part> parts;
        for (size_t i = 0; i + 1 < batch; ++i)
          parts.push_back({others[i], paged.sequence(others[i]).latents.size(0) - 1, 1});
        parts.insert(parts.begin() + row, Part{probe, 329, 1});
        ASSERT_TRUE(paged.Run(parts)[row].equal(expected)) << "row " << row << " of " << batch;
      }
    }
  });
}

TEST(AttentionForwardPropertyTest, AGroupThatSharesItsPromptEqualsItsMembersAlone) {
  ForEachSetting([](at::ScalarType type) {
    PagedSequences paged(type, 5);
    std::vector<size_t> group = {paged.Add(420)};
    // The last begin their own answers: their whole prompt is shared, or all but its last page.
    for (int64_t i = 1; i < 9; ++i) group.push_back(paged.Add(i == 7 ? 385 : 400 + 23 * i, i == 8 ? 5 : 6, group[0]));
    std::vector<Part> parts;
    for (const size_t member : group) {
      paged.Fill(member);
      parts.push_back({member, paged.sequence(member).latents.size(0) - 1, 1});
    }
    const std::vector<at::Tensor> found = paged.Run(parts);
    for (size_t i = 0; i < group.size(); ++i) {
      EXPECT_TRUE(found[i].equal(paged.Alone(group[i]).narrow(0, parts[i].first, 1))) << "member " << i;
    }
  });
}

TEST(AttentionForwardPropertyTest, MixedBatchesEqualTheTrainingForm) {
  ForEachSetting([](at::ScalarType type) {
    PagedSequences paged(type, 6);
    const size_t decoding = paged.Add(200);
    const size_t chunked = paged.Add(500);
    const size_t starting = paged.Add(33);
    paged.Fill(decoding);
    paged.Run({{chunked, 0, 310}});
    const std::vector<at::Tensor> found = paged.Run({{chunked, 310, 150}, {decoding, 199, 1}, {starting, 0, 33}});
    EXPECT_TRUE(found[0].equal(paged.Alone(chunked).narrow(0, 310, 150)));
    EXPECT_TRUE(found[1].equal(paged.Alone(decoding).narrow(0, 199, 1)));
    EXPECT_TRUE(found[2].equal(paged.Alone(starting)));
  });
}

// One long context: the threads share its splits, which are merged in order.
TEST(AttentionForwardPropertyTest, SplitsAreMergedFromLeftToRightWhoeverMadeThem) {
  ForEachSetting([](at::ScalarType type) {
    PagedSequences paged(type, 7);
    const size_t probe = paged.Add(2300);
    paged.Fill(probe);
    const at::Tensor expected = paged.Alone(probe).narrow(0, 2299, 1);
    for (int repeat = 0; repeat < 20; ++repeat) ASSERT_TRUE(paged.Run({{probe, 2299, 1}})[0].equal(expected));
  });
}

// Where 2^27 - 2^27 + 1 is added up tells in which order: in float32, 2^27 + 1 is 2^27 again.
constexpr float kLarge = 134217728.0f;

// Keys that all weigh 1, each with one of these values in some column.
struct MarkedValue {
  int64_t column;
  int64_t position;
  float value;
};

// [columns] sums over all keys of the last of `length` tokens, which come in the last chunk of `chunk` tokens; and,
// without pages, of the training form.
std::vector<at::Tensor> SumsOf(const std::vector<MarkedValue>& marks, int64_t length, int64_t chunk,
                               at::ScalarType type) {
  PagedSequences paged(type, 14);
  const size_t probe = paged.Add(length);
  paged.sequence(probe).queries.zero_();
  paged.sequence(probe).latents.zero_();
  for (const MarkedValue& mark : marks) paged.sequence(probe).latents[mark.position][mark.column] = mark.value;
  paged.Fill(probe);
  const int64_t first = (length - 1) / chunk * chunk;
  const int64_t count = length - first;
  const at::Tensor in_chunk = paged.Run({{probe, first, count}})[0][count - 1][kHeads - 1];
  return {in_chunk.to(at::kFloat).mul(length), paged.Alone(probe)[length - 1][kHeads - 1].to(at::kFloat).mul(length)};
}

TEST(AttentionForwardPropertyTest, SplitsAreAddedInTheOrderOfTheNumericsSpec) {
  constexpr int64_t kSplit = cpu::kBlocksPerSplit * cpu::kKeyBlock;
  const std::vector<MarkedValue> marks = {
      {0, 3, kLarge}, {0, kSplit, -kLarge}, {0, 3 * kSplit - 1, 1.0f},     // (large - large) + 1
      {1, 3, 1.0f},   {1, kSplit, kLarge},  {1, 3 * kSplit - 1, -kLarge},  // (1 + large) - large
      {2, 3, kLarge}, {2, kSplit, 1.0f},    {2, 3 * kSplit - 1, -kLarge},
  };
  ForEachSetting([&](at::ScalarType type) {
    for (const int64_t chunk : {1, 7, 64, 256, 500, 900}) {
      for (const at::Tensor& sums : SumsOf(marks, 3 * kSplit, chunk, type)) {
        EXPECT_NEAR(sums[0].item<float>(), 1.0f, 0.01) << "chunks of " << chunk;
        EXPECT_EQ(sums[1].item<float>(), 0.0f) << "chunks of " << chunk;
        EXPECT_EQ(sums[2].item<float>(), 0.0f) << "chunks of " << chunk;
      }
    }
  });
}

// large | - large, 1: with the border of two splits between them, the 1 is lost in the second split.
TEST(AttentionForwardPropertyTest, SplitsBeginWhereTheNumericsSpecSays) {
  std::vector<MarkedValue> marks;
  for (int64_t block = 1; block < 12; ++block) {
    const int64_t border = block * cpu::kKeyBlock;
    marks.insert(marks.end(), {{block, border - 1, kLarge}, {block, border, -kLarge}, {block, border + 1, 1.0f}});
  }
  ForEachSetting([&](at::ScalarType type) {
    for (const int64_t chunk : {1, 7, 64, 200, 500, 900}) {
      for (const at::Tensor& sums : SumsOf(marks, 12 * cpu::kKeyBlock - 5, chunk, type)) {
        for (int64_t block = 1; block < 12; ++block) {
          EXPECT_NEAR(sums[block].item<float>(), block % cpu::kBlocksPerSplit == 0 ? 0.0f : 1.0f, 0.01)
              << "block " << block << ", chunks of " << chunk;
        }
      }
    }
  });
}

// Nothing is added across lanes.
TEST(AttentionForwardPropertyTest, ClassesAgreeToTheBit) {
  const at::NoGradGuard no_grad;
  at::manual_seed(12);
  PagedSequences paged(at::kFloat, 8);
  const size_t probe = paged.Add(700);
  at::Tensor first;
  testing::ForEachIsa([&](cpu::Isa) {
    const at::Tensor found = paged.Alone(probe);
    if (!first.defined()) first = found;
    EXPECT_TRUE(found.equal(first));
  });
}

TEST(AttentionForwardPropertyTest, PackedTrainingBatchesEqualTheirSequencesAlone) {
  ForEachSetting([](at::ScalarType type) {
    PagedSequences paged(type, 9);
    std::vector<at::Tensor> queries;
    std::vector<at::Tensor> latents;
    std::vector<std::vector<int64_t>> ids;
    for (const int64_t length : {3, 270, 64, 1, 65, 530}) {
      const Sequence& sequence = paged.sequence(paged.Add(length));
      queries.push_back(sequence.queries);
      latents.push_back(sequence.latents);
      ids.emplace_back(length, 1);
    }
    const PackedTokens tokens = PackSequences(ids);
    const AttentionPlan plan = PlanAttention(tokens, KvView::Own(), kHeads);
    const at::Tensor packed = MlaAttention(at::cat(queries), at::cat(latents), plan, kValueWidth, kScale);
    for (size_t i = 0; i < ids.size(); ++i) {
      const at::Tensor found = packed.narrow(0, tokens.starts[i], static_cast<int64_t>(ids[i].size()));
      EXPECT_TRUE(found.equal(paged.Alone(i))) << "sequence " << i;
    }
  });
}

// What is not a number in a row's own context stays so, and reaches nobody else.
TEST(AttentionForwardTest, NotANumberIsSeenByItsSequenceAlone) {
  const at::NoGradGuard no_grad;
  testing::ForEachIsa([](cpu::Isa) {
    at::manual_seed(13);
    PagedSequences paged(at::kFloat, 10);
    const size_t broken = paged.Add(100);
    const size_t whole = paged.Add(90);
    paged.sequence(broken).latents[40].fill_(std::numeric_limits<float>::quiet_NaN());
    paged.Fill(broken);
    paged.Fill(whole);
    const std::vector<at::Tensor> found = paged.Run({{broken, 99, 1}, {whole, 89, 1}});
    EXPECT_TRUE(found[0].isnan().all().item<bool>());
    EXPECT_TRUE(found[1].equal(paged.Alone(whole).narrow(0, 89, 1)));
  });
}

}  // namespace
}  // namespace plumb
