#include "tools/report/report_page.h"

#include "absl/strings/str_cat.h"
#include "tools/report/headline.h"
#include "tools/report/html_text.h"
#include "tools/report/plot_section.h"
#include "tools/report/sample_section.h"

namespace plumb {
namespace {

constexpr char kStyle[] = R"css(
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #1b2330; --soft: #667085; --rule: #e3e7ee;
  --s0: #2563eb; --s1: #e07a1f; --s2: #12968a; --s3: #a14bd1; --good: #12805c; --good-back: #e2f5ec; --bad: #b42318;
  --bad-back: #fdeceb; --even-back: #eef1f5; }
@media (prefers-color-scheme: dark) { :root { --page: #10141b; --card: #181e28; --text: #e6eaf1; --soft: #93a0b4;
  --rule: #2a3240; --s0: #6ea0ff; --s1: #f2a25c; --s2: #45c7b8; --s3: #c98bf0; --good: #5fd6a7; --good-back: #143528;
  --bad: #ff9b92; --bad-back: #3e1c1b; --even-back: #252d3a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", Roboto,
  "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 36px 24px 72px; }
header { display: flex; align-items: baseline; gap: 14px; flex-wrap: wrap; }
h1 { font-size: 26px; margin: 0; letter-spacing: -0.02em; }
header code, header span { color: var(--soft); font-size: 14px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 14px; letter-spacing: -0.01em; }
h2 + p { margin: -10px 0 14px; font-size: 13px; color: var(--soft); }
h3 { font-size: 14px; margin: 0 0 10px; color: var(--soft); font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 14px; margin-top: 22px; }
.card, figure, .group, .scroll, details { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.card { padding: 14px 18px; }
.card:first-child:not(:only-child) { grid-column: span 2; }
.label, .note, small { color: var(--soft); font-size: 13px; }
.value { font-size: 27px; font-weight: 650; letter-spacing: -0.02em; white-space: nowrap; }
.before { color: var(--soft); font-weight: 500; }
.up { color: var(--good); font-weight: 600; } .down { color: var(--bad); font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(520px, 100%), 1fr)); gap: 14px; }
figure { margin: 0; padding: 14px 16px 10px; position: relative; }
figcaption { display: flex; justify-content: space-between; align-items: baseline; gap: 12px; margin-bottom: 6px; }
figcaption small { margin-left: 8px; } .last { white-space: nowrap; font-variant-numeric: tabular-nums; color: var(--soft); }
svg.plot { display: block; width: 100%; height: auto; }
.grid { stroke: var(--rule); stroke-width: 1; } .tick { fill: var(--soft); font-size: 12px; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.line.raw { stroke-width: 1.2; opacity: 0.28; } .cursor { stroke: var(--soft); opacity: 0; stroke-dasharray: 3 3; }
.line.s0 { stroke: var(--s0); } .line.s1 { stroke: var(--s1); } .line.s2 { stroke: var(--s2); }
.line.s3 { stroke: var(--s3); }
.dot.s0 { fill: var(--s0); } .dot.s1 { fill: var(--s1); } .dot.s2 { fill: var(--s2); } .dot.s3 { fill: var(--s3); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; color: var(--soft); }
.legend i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px;
  vertical-align: middle; }
i.s0 { background: var(--s0); } i.s1 { background: var(--s1); } i.s2 { background: var(--s2); }
i.s3 { background: var(--s3); }
.tip { position: absolute; pointer-events: none; background: var(--text); color: var(--page); font-size: 12px;
  padding: 4px 8px; border-radius: 6px; white-space: pre; display: none; z-index: 1; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; } .scroll { overflow-x: auto; }
th { text-align: left; font-size: 13px; color: var(--soft); font-weight: 600; }
th, td { padding: 12px 16px; border-bottom: 1px solid var(--rule); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
pre { margin: 0; font: 13px/1.45 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; max-height: 15em; overflow-y: auto; }
.prompt pre, .answers td:first-child pre { font-weight: 600; } td .chip { float: right; margin-left: 8px; }
.chip { font-size: 12px; font-weight: 600; padding: 1px 9px; border-radius: 999px; background: var(--even-back); }
.good { color: var(--good); background: var(--good-back); } .bad { color: var(--bad); background: var(--bad-back); }
.steps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 14px; }
.step { min-width: 0; } .group { margin-bottom: 14px; overflow: hidden; }
.prompt { padding: 12px 16px; border-bottom: 1px solid var(--rule); font-weight: 600; }
ul { list-style: none; margin: 0; padding: 4px 16px 8px; }
li { display: grid; grid-template-columns: minmax(56px, max-content) minmax(0, 1fr); gap: 3px 12px; align-items: start;
  padding: 8px 0; }
li + li { border-top: 1px solid var(--rule); } li .chip { justify-self: start; }
li small { grid-column: 2; overflow-wrap: anywhere; }
details { padding: 12px 16px; } summary { cursor: pointer; font-weight: 600; }
details pre { margin-top: 12px; max-height: none; }
@media (max-width: 720px) { main { padding: 24px 14px 48px; } .answers thead { display: none; }
  .answers tr, .answers td { display: block; } .answers td { border: 0; padding: 8px 14px; }
  .answers tr + tr { border-top: 1px solid var(--rule); } .answers td:first-child { font-weight: 600; }
  td[data-step]::before { content: attr(data-step); display: block; font-size: 12px; color: var(--soft); } }
)css";

// Shows the values under the pointer. Without a script the page is complete all the same.
constexpr char kScript[] = R"js(
for (const svg of document.querySelectorAll('svg.plot')) {
  const series = [...svg.querySelectorAll('.points')].map(g => ({label: g.dataset.label,
    points: g.dataset.points.split(';').filter(Boolean).map(p => p.split(','))}));
  const cursor = svg.querySelector('.cursor');
  const tip = svg.parentNode.appendChild(document.createElement('div'));
  tip.className = 'tip';
  svg.addEventListener('pointermove', event => {
    const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale;
    const near = series.filter(s => s.points.length).map(s => [s.label, s.points.reduce((a, b) =>
      Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a)]);
    if (!near.length) return;
    const at = near[0][1][0];
    cursor.setAttribute('x1', at); cursor.setAttribute('x2', at); cursor.style.opacity = 1;
    tip.textContent = 'step ' + near[0][1][2] + near.map(n => '\n' + (near.length > 1 ? n[0] + ' ' : '') + n[1][3]).join('');
    tip.style.display = 'block';
    const left = at / scale + svg.offsetLeft + 12;
    tip.style.left = Math.min(left, svg.parentNode.clientWidth - tip.offsetWidth - 6) + 'px';
    tip.style.top = '48px';
  });
  svg.addEventListener('pointerleave', () => { tip.style.display = 'none'; cursor.style.opacity = 0; });
}
)js";

// "GRPO of runs/demo/sft/checkpoints/latest".
std::string Title(const RunRecord& run) {
  const std::string stage = run.stage.empty() ? "Training report" : run.stage;
  return EscapeHtml(run.model.empty() ? stage : absl::StrCat(stage, " of ", run.model));
}

}  // namespace

std::string RenderReport(const RunRecord& run) {
  const std::string name = EscapeHtml(run.name);
  const std::string title = Title(run);
  std::string page = absl::StrCat(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"><title>",
      title, " - Plumb</title><style>", kStyle, "</style></head><body><main>\n");
  absl::StrAppend(&page, "<header><h1>", title, "</h1><code>", name, "</code><span>", EscapeHtml(run.date),
                  "</span></header>\n", HeadlineHtml(run), "\n", PlotsHtml(run), "\n", SamplesHtml(run), "\n");
  if (!run.config.empty()) {
    absl::StrAppend(&page,
                    "<h2>Configuration</h2><details><summary>config.yaml, with the source of each value</summary>",
                    "<pre>", EscapeHtml(run.config), "</pre></details>\n");
  }
  return absl::StrCat(page, "</main><script>", kScript, "</script></body></html>\n");
}

}  // namespace plumb
