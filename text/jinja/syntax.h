#ifndef PLUMB_TEXT_JINJA_SYNTAX_H_
#define PLUMB_TEXT_JINJA_SYNTAX_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/lexer.h"
#include "text/jinja/value.h"

// The parsed form of a template.
namespace plumb::jinja {

struct Expression;
using ExpressionPointer = std::unique_ptr<Expression>;

enum class ExpressionKind {
  kConstant,    // value
  kName,        // name
  kList,        // children
  kTuple,       // children
  kDict,        // children: key, value, key, value, ...
  kAttribute,   // children[0] . name
  kItem,        // children[0] [ children[1] ]
  kSlice,       // children[0] [ children[1] : children[2] : children[3] ], each may be null
  kCall,        // children[0] ( children[1..], named )
  kFilter,      // children[0] | name ( children[1..], named )
  kTest,        // children[0] is name ( children[1..], named )
  kUnary,       // name: + -
  kBinary,      // name: + - * / // % ** ~
  kComparison,  // children[0] names[0] children[1] names[1] children[2] ...
  kAnd,
  kOr,
  kNot,
  kConditional,  // children[0] if children[1] else children[2], which may be null
};

struct Expression {
  void Add(ExpressionPointer child) {
    if (child != nullptr) depth = std::max(depth, child->depth + 1);
    children.push_back(std::move(child));
  }

  ExpressionKind kind = ExpressionKind::kConstant;
  Place place;
  int depth = 1;  // of the tree below
  Value value;
  std::string name;
  std::vector<std::string> names;
  std::vector<ExpressionPointer> children;
  std::vector<std::pair<std::string, ExpressionPointer>> named;  // arguments by name
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

// What `set` and `for` assign to: a name, several, or a field of a namespace.
struct Target {
  std::vector<std::string> names;
  std::string field;     // names[0] is then the namespace
  bool unpacks = false;  // true for (a, b) and for (a,)
};

struct MacroNode {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<ExpressionPointer> defaults;  // of the last parameters
  Block body;
};

enum class StatementKind {
  kText,
  kPrint,
  kIf,
  kFor,
  kSet,
  kSetBlock,
  kMacro,
  kGeneration,
  kWith,
  kFilter,
  kDo,
  kBreak,
  kContinue
};

struct Statement {
  StatementKind kind = StatementKind::kText;
  Place place;
  std::string text;              // kText
  ExpressionPointer expression;  // printed, condition, iterated, assigned; kSetBlock: filters or null
  ExpressionPointer condition;   // kFor: what is left out, or null
  Target target;                 // kFor, kSet, kSetBlock
  std::vector<std::pair<Target, ExpressionPointer>> assignments;  // kWith
  Block body;
  Block otherwise;  // kIf, kFor
  MacroNode macro;
};

// The value that a filter's block or a set block hands to its filters stands in this name.
constexpr char kBlockValueName[] = " block";

struct Syntax {
  Block body;
  bool has_generation = false;
};

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_SYNTAX_H_
