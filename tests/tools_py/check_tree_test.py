import unittest

import check_tree
from tree_rules import cpp_text
from tree_rules.tree import Tree

ARCHITECTURE = """
```
layer 5   tools/         the program                     -> everything below
          tests/                                         -> everything
layer 2   policy/        the model                       -> base proto
layer 1   text/          tokenizer                       -> base proto        (no torch)
layer 0   base/          status                          -> proto (base/config alone); two targets
          proto/         the wire                        -> protobuf and gRPC only
```
| letter | meaning | letter | meaning |
|---|---|---|---|
| N | tokens | Rq, Rkv | ranks |
"""

READMES = {f"{folder}/README.md": f"# {folder}\n\nMay include: {allowed}\n" for folder, allowed in {
    "tools": "everything", "tests": "everything", "policy": "base proto", "text": "base proto", "base": "proto",
    "proto": "nothing of the tree"}.items()}


def problems(texts):
    tree = Tree({"ARCHITECTURE.md": ARCHITECTURE, **READMES, **texts})
    return [(violation.path, violation.rule) for violation in check_tree.check(tree)]


def function_of(lines):
    return "void Long() {\n" + "  Step();\n" * (lines - 2) + "}\n"


class CheckTreeTest(unittest.TestCase):
    def assert_breaks(self, rule, texts, path=None):
        found = [found_path for found_path, found_rule in problems(texts) if found_rule == rule]
        self.assertEqual(found, [path or next(iter(texts))])

    def assert_clean(self, texts):
        self.assertEqual(problems(texts), [])

    def test_clean_tree_has_no_problems(self):
        self.assert_clean({"text/a.cc": '#include "text/a.h"\n#include "base/b.h"\n', "text/a.h": "int A(int n);\n",
                           "tests/text/a_test.cc": '#include "text/a.h"\n'})

    # layers
    def test_refuses_an_include_up_the_layers(self):
        self.assert_breaks("layers", {"text/a.h": '#include "policy/policy.h"\n'})

    def test_tests_may_include_everything(self):
        self.assert_clean({"tests/text/a_test.cc": '#include "policy/policy.h"\n'})

    def test_base_includes_proto_in_its_configuration_alone(self):
        self.assert_clean({"base/config_field.h": '#include "proto/options.pb.h"\n'})
        self.assert_breaks("layers", {"base/file.h": '#include "proto/options.pb.h"\n'})

    def test_refuses_a_folder_outside_of_the_table(self):
        self.assert_breaks("layers", {"lib/a.h": "int a;\n"})

    def test_refuses_a_missing_table(self):
        self.assertIn(("ARCHITECTURE.md", "layers"), problems({"ARCHITECTURE.md": "nothing"}))

    def test_wants_the_own_header_first(self):
        self.assert_breaks("layers", {"text/a.cc": '#include <string>\n#include "text/a.h"\n', "text/a.h": "",
                                      "tests/text/a_test.cc": ""})

    def test_compares_cmake_with_the_table(self):
        declare = "plumb_library(text SOURCES a.cc DEPS {})"
        self.assert_clean({"text/CMakeLists.txt": declare.format("plumb::base plumb::proto")})
        self.assert_breaks("layers", {"text/CMakeLists.txt": declare.format("plumb::base plumb::proto plumb::policy")})

    def test_compares_the_page_of_a_folder_with_the_table(self):
        self.assert_breaks("layers", {"text/README.md": "# text\n\nMay include: base policy\n"})
        self.assert_breaks("layers", {"text/README.md": "# text\n"})
        self.assert_clean({"text/README.md": "May include: proto base; nothing else.\n"})

    def test_refuses_torch_where_no_tensor_is_seen(self):
        self.assert_breaks("torch", {"text/a.h": "#include <ATen/core/Tensor.h>\n"})

    def test_refuses_heavy_torch_headers(self):
        self.assert_breaks("torch", {"policy/a.h": "#include <torch/torch.h>\n"})
        self.assert_breaks("torch", {"policy/a.h": "#include <ATen/ATen.h>\n"})
        self.assert_breaks("torch", {"policy/kernels/a.cu": "#include <ATen/core/Tensor.h>\n",
                                     "tests/policy/a_test.cc": ""})

    def test_refuses_ordinary_headers_in_sources_of_one_instruction_set(self):
        texts = {"policy/cpu/k_avx2.cc": '#include "policy/cpu/k.h"\n#include <immintrin.h>\n',
                 "policy/cpu/k.h": '#include <cstdint>\n#include "policy/cpu/vec.h"\n',
                 "policy/cpu/k.cc": '#include "policy/cpu/k.h"\n#include <vector>\n',
                 "tests/policy/cpu/k_test.cc": ""}
        self.assert_clean({**texts, "policy/cpu/vec.h": "int a;\n"})
        self.assert_breaks("isa", {**texts, "policy/cpu/vec.h": "#include <vector>\n"}, "policy/cpu/vec.h")
        self.assert_breaks("isa", {**texts, "policy/cpu/vec.h": '#include "base/b.h"\n'}, "policy/cpu/vec.h")

    # budgets
    def test_refuses_long_files(self):
        self.assert_breaks("file-lines", {"text/a.h": "int a;\n" * 251})
        self.assert_breaks("file-lines", {"tests/text/a_test.cc": "int a;\n" * 501})

    def test_refuses_long_functions_but_lets_kernels_be_longer(self):
        self.assert_clean({"text/a.h": function_of(60)})
        self.assert_breaks("function-lines", {"text/a.h": function_of(61)})
        self.assert_clean({"policy/kernels/a.h": function_of(61)})

    def test_refuses_seven_parameters(self):
        self.assert_clean({"text/a.h": "int F(int a, int b, int c, int d, int e, std::pair<int, int> f);\n"})
        self.assert_breaks("parameters", {"text/a.h": "int F(int a, int b, int c, int d, int e, int f, int g);\n"})

    def test_refuses_deep_nesting(self):
        nested = "void F() {{ for (;;) {{ if (a) {{ while (b) {{ {} }} }} }} }}\n"
        self.assert_clean({"text/a.h": nested.format("Step();")})
        self.assert_breaks("nesting", {"text/a.h": nested.format("if (c) { Step(); }")})

    def test_refuses_crowded_folders(self):
        texts = {f"text/s{number}.cc": "" for number in range(21)}
        texts.update({f"tests/text/s{number}_test.cc": "" for number in range(20)})
        texts["tests/text/more/s20_test.cc"] = texts["text/s20.h"] = ""
        texts["tests/text/more/s20_test.cc"] = '#include "text/s20.h"\n'
        self.assert_breaks("folder-files", texts, "text")

    # contracts
    def test_wants_shapes_of_tensors_in_headers(self):
        self.assert_clean({"policy/a.h": "struct A {\n  at::Tensor x;  // [N] float32\n};\n"})
        self.assert_breaks("shapes", {"policy/a.h": "struct A {\n  at::Tensor x;  // the input\n};\n"})
        self.assert_clean({"policy/a.h": "// x        [N, Rq]\n// returns  [N]\nat::Tensor F(const at::Tensor& x);\n"})
        self.assert_breaks("shapes", {"policy/a.h": "// Adds.\nvoid F(const at::Tensor& x);\n"})

    def test_wants_letters_of_the_legend(self):
        self.assert_clean({"policy/a.h": "// x  [N, Rkv] float32\nvoid F(const at::Tensor& x);\n"})
        self.assert_breaks("legend", {"policy/a.h": "// x  [N, Z] float32\nvoid F(const at::Tensor& x);\n"})

    def test_keeps_exceptions_in_the_guards(self):
        throws = {"tests/text/a_test.cc": "", "text/a.cc": 'void F() { throw 1; }  // throw\nconst char* k = "throw";\n'}
        self.assert_breaks("exceptions", throws, "text/a.cc")
        self.assert_clean({"base/torch_guard.cc": "void F() { try { G(); } catch (...) { } }\n",
                           "tests/base/torch_guard_test.cc": ""})

    def test_wants_a_test_of_every_source(self):
        self.assert_breaks("has-test", {"text/a.cc": "int a;\n"})
        self.assert_clean({"text/a.cc": "int a;\n", "text/a.h": "", "tests/text/b_test.cc": '#include "text/a.h"\n'})

    def test_sources_of_the_instruction_sets_share_a_test(self):
        self.assert_clean({"policy/k_avx2.cc": "int a;\n", "policy/k_avx512.cc": "int a;\n",
                           "tests/policy/k_test.cc": ""})
        self.assert_breaks("has-test", {"policy/k_avx2.cc": "int a;\n", "tests/policy/j_test.cc": ""})

    # words
    def test_refuses_empty_names(self):
        self.assert_breaks("names", {"text/string_utils.h": ""})
        self.assert_breaks("names", {"text/a.h": "class CacheManager {\n};\n"})
        self.assert_clean({"text/dataset.h": "class Dataset {\n};\n"})

    def test_refuses_banned_words(self):
        self.assert_breaks("words", {"text/a.h": "// TO" + "DO: later\n"})
        self.assert_breaks("words", {"docs/a.md": "fetched from py" + "pi.org\n"})

    def test_wants_paths_of_documents_to_exist(self):
        self.assert_clean({"docs/a.md": "See `text/a.h`, `build/plumb` and [b](b.md).\n", "docs/b.md": "", "text/a.h": ""})
        self.assert_breaks("paths", {"docs/a.md": "See `text/missing.h`.\n", "text/a.h": ""})
        self.assert_breaks("paths", {"docs/a.md": "See [b](b.md).\n"})

    # exceptions
    def test_lets_listed_exceptions_through(self):
        self.assert_clean({"text/string_utils.h": "",
                           check_tree.EXCEPTIONS_FILE: "names | text/string_utils.h | a test of the rule\n"})

    def test_exceptions_may_name_many_files(self):
        listed = {check_tree.EXCEPTIONS_FILE: "has-test | text/rules/* | tested through text/a.cc\n"}
        self.assert_clean({"text/rules/a.cc": "", "text/rules/b.cc": "", **listed})
        self.assert_breaks("has-test", {"text/c.cc": "", "text/rules/a.cc": "", **listed})

    def test_refuses_exceptions_without_a_reason_or_a_use(self):
        self.assert_breaks("exceptions-file", {check_tree.EXCEPTIONS_FILE: "names | text/a.h |\n"})
        self.assert_breaks("exceptions-file", {check_tree.EXCEPTIONS_FILE: "names | text/a.h | not needed\n"})

    def test_finds_sources_that_reach_a_header_through_others(self):
        tree = Tree({"base/mutex.h": "", "text/a.h": '#include "base/mutex.h"\n', "text/a.cc": '#include "text/a.h"\n',
                     "text/b.cc": ""})
        self.assertEqual(check_tree.sources_including(tree, "base/mutex.h"), ["text/a.cc"])


class CppTextTest(unittest.TestCase):
    def functions(self, text):
        return {function.name: function for function in cpp_text.functions(text)}

    def test_blanks_comments_and_literals(self):
        self.assertEqual(cpp_text.blank('a("x{"); // }\nb = 1\'000;'), 'a("  ");     \nb = 1\'000;')
        self.assertEqual(cpp_text.blank('R"(a " { b)" c').strip(), "c")

    def test_reads_constructors_with_member_initializers(self):
        found = self.functions("class A {\n A(int a, int b) : a_{a}, b_(b) {}\n int c_ = 1;\n};")
        self.assertEqual(list(found), ["A"])
        self.assertEqual(found["A"].parameters, ("int a", "int b"))

    def test_reads_templates_in_return_types(self):
        found = self.functions("std::function<void(int, int)> F(const std::map<int, std::pair<int, int>>& a, int b = {}) {\n}")
        self.assertEqual(len(found["F"].parameters), 2)

    def test_counts_nesting_through_lambdas_and_braces(self):
        found = self.functions("void F() {\n  Call({1, 2}, [&] {\n    if (a) {\n      for (;;) {\n      }\n    }\n  });\n}")
        self.assertEqual(found["F"].nesting, 2)
        self.assertEqual(found["F"].lines, 8)

    def test_else_if_is_no_deeper_than_if(self):
        self.assertEqual(self.functions("void F() { if (a) { } else if (b) { } else { } }")["F"].nesting, 1)

    def test_sees_blocks_after_case_labels(self):
        self.assertEqual(self.functions("void F() { switch (a) { case kB: { if (c) { } break; } } }")["F"].nesting, 2)


if __name__ == "__main__":
    unittest.main()
