#include "batch.h"
#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include "arena.h"
#include "kept_trees.h"
#include "walk.h"

namespace code {
namespace {
using Clock = std::chrono::steady_clock;

/** A tree takes ten to twenty times its source; beyond this the file is given up like one that takes too long. */
constexpr size_t kMostMemory = size_t{1} << 30;

struct Input {
  const uint8_t *bytes;
  uint32_t length;
};

const char *read_input(void *payload, uint32_t at, TSPoint, uint32_t *size) {
  const Input *input = static_cast<const Input *>(payload);
  if (at >= input->length) {
    *size = 0;
    return "";
  }
  *size = input->length - at;
  return reinterpret_cast<const char *>(input->bytes) + at;
}

struct Guard {
  Clock::time_point end;
  bool arena;
};

bool should_stop(TSParseState *state) {
  const Guard *guard = static_cast<const Guard *>(state->payload);
  return Clock::now() > guard->end || (guard->arena && arena::used() > kMostMemory);
}

void read_one(const Source &source, const Limits &limits, FlatTree &flat, Scratch &scratch, Answer &answer) {
  if (source.length > limits.max_bytes) {
    answer.outcome = kTooLong;
    return;
  }
  // a tree that outlives its file needs memory that does
  const bool use_arena = limits.use_arena && source.keep == 0;
  if (use_arena) arena::enter();
  TSParser *parser = ts_parser_new();
  if (!ts_parser_set_language(parser, source.language)) answer.outcome = kDeadline;
  Input input{source.bytes, source.length};
  Guard guard{Clock::now() + std::chrono::milliseconds(limits.deadline_ms), use_arena};
  TSInput text{};
  text.payload = &input;
  text.read = read_input;
  text.encoding = TSInputEncodingUTF8;
  TSParseOptions options{};
  options.payload = &guard;
  options.progress_callback = should_stop;
  TSTree *old = source.keep == 0 ? nullptr : kept_trees::take(source.keep, source.language, source.bytes, source.length);
  TSTree *tree = ts_parser_parse_with_options(parser, old, text, options);
  if (old) ts_tree_delete(old);
  // around an error the tree depends on what was there before: such a file is read as if it were new
  if (old && tree && ts_node_has_error(ts_tree_root_node(tree))) {
    ts_tree_delete(tree);
    ts_parser_reset(parser);
    tree = ts_parser_parse_with_options(parser, nullptr, text, options);
  }
  if (!tree) answer.outcome = kDeadline;
  else if (source.table) {
    if (flat_tree_fill(tree, &flat)) walk_tree(flat, *source.table, source.bytes, source.length, scratch, answer.record);
    else answer.outcome = kTooLong;
  }
  if (tree && source.keep != 0) kept_trees::put(source.keep, source.language, source.bytes, source.length, ts_tree_copy(tree));
  // An arena forgets the tree by itself; the grammar's scanner has memory of its own that only the parser can free.
  if (tree && !use_arena) ts_tree_delete(tree);
  ts_parser_delete(parser);
  if (use_arena) arena::leave();
}
}  // namespace

void read_batch(const std::vector<Source> &sources, const Limits &limits, std::vector<Answer> &answers) {
  answers.resize(sources.size());
  std::vector<uint32_t> order(sources.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return sources[a].length > sources[b].length; });
  std::atomic<size_t> next{0};
  auto work = [&] {
    FlatTree flat{};
    Scratch *scratch = make_scratch();
    for (size_t i = next++; i < order.size(); i = next++) read_one(sources[order[i]], limits, flat, *scratch, answers[order[i]]);
    free_scratch(scratch);
    flat_tree_free(&flat);
    arena::release();
  };
  std::vector<std::thread> threads;
  size_t helpers = std::min<size_t>(limits.threads, sources.size());
  for (size_t i = 1; i < helpers; i++) threads.emplace_back(work);
  work();
  for (std::thread &thread : threads) thread.join();
}
}  // namespace code
