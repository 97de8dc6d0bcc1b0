#include "launch/report/page.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

namespace quadhop {
namespace {

constexpr char kStyle[] = R"css(
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #18202c; --soft: #5b6675; --faint: #e2e6ec; --heat: #2457d6;
  --c0: #2457d6; --c1: #d9541e; --c2: #0d8f6f; --c3: #8a3ffc; --c4: #b5820a; --c5: #0b7fab; --c6: #c2255c; --c7: #6b7280; }
@media (prefers-color-scheme: dark) { :root {
  --page: #10141b; --card: #181e28; --ink: #e8ecf2; --soft: #9aa6b6; --faint: #2a3240; --heat: #7aa2ff;
  --c0: #7aa2ff; --c1: #ff9466; --c2: #4cd3ab; --c3: #c19bff; --c4: #e8bd4d; --c5: #5ec8ef; --c6: #ff7fa8; --c7: #a3adbb; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 36px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 40px 0 14px; }
.subtitle { color: var(--soft); margin: 6px 0 24px; overflow-wrap: anywhere; }
.grid { display: grid; gap: 18px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)); }
.card { background: var(--card); border: 1px solid var(--faint); border-radius: 10px; margin: 0; padding: 18px 20px 14px; min-width: 0; }
.card.wide { grid-column: 1 / -1; overflow-x: auto; }
figcaption b { display: block; font-size: 15px; }
figcaption p { margin: 2px 0 8px; color: var(--soft); font-size: 13px; }
.keys { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; margin-bottom: 8px; }
.keys i { display: inline-block; width: 18px; height: 0; border-top: 3px solid; margin-right: 6px; vertical-align: middle; border-radius: 2px; }
.keys i.dashed { border-top-style: dashed; border-radius: 0; }
svg { display: block; width: 100%; height: auto; }
.tick, .axis { fill: var(--soft); font-size: 12px; } .axis { font-size: 12.5px; }
line.grid { display: inline; stroke: var(--faint); stroke-width: 1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .dashed { stroke-dasharray: 5 4; }
.cell { fill: var(--heat); } .border { fill: none; stroke: var(--faint); }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--faint); overflow-wrap: break-word; vertical-align: top; }
th { color: var(--soft); font-weight: 600; } tr:last-child td { border-bottom: 0; } td:first-child { font-weight: 600; }
)css";

std::string CardHtml(const Card& card) {
  std::string keys;
  for (const Card::Key& key : card.keys)
    absl::StrAppendFormat(&keys,
                          "<span><i class='%s' style='border-color:var(--c%d)'></i>%s</span>",
                          key.dashed ? "dashed" : "", key.color % 8, Escape(key.name));
  if (!keys.empty()) keys = absl::StrCat("<div class='keys'>", keys, "</div>");
  return absl::StrFormat(
      "<figure class='card%s'><figcaption><b>%s</b><p>%s</p>%s</figcaption>%s</figure>\n",
      card.chart.rfind("<table", 0) == 0 ? " wide" : "", Escape(card.title), Escape(card.note),
      keys, card.chart);
}

}  // namespace

std::string SectionHtml(const std::string& title, const std::vector<Card>& cards) {
  std::string html = absl::StrCat("<section><h2>", Escape(title), "</h2>\n<div class='grid'>\n");
  for (const Card& card : cards) absl::StrAppend(&html, CardHtml(card));
  return html + "</div></section>\n";
}

std::string TableHtml(const std::vector<std::string>& header,
                      const std::vector<std::vector<std::string>>& rows) {
  std::string html = "<table><thead><tr>";
  for (const std::string& name : header) absl::StrAppend(&html, "<th>", Escape(name), "</th>");
  html += "</tr></thead><tbody>";
  for (const std::vector<std::string>& row : rows) {
    html += "<tr>";
    for (const std::string& field : row) absl::StrAppend(&html, "<td>", Escape(field), "</td>");
    html += "</tr>";
  }
  return html + "</tbody></table>";
}

std::string PageHtml(const std::string& title, const std::string& subtitle,
                     const std::string& body) {
  return absl::StrCat(
      "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
      "<meta name='viewport' content='width=device-width, initial-scale=1'><title>",
      Escape(title), "</title><style>", kStyle, "</style></head>\n<body><main><h1>", Escape(title),
      "</h1><p class='subtitle'>", Escape(subtitle), "</p>\n", body, "</main></body></html>\n");
}

}  // namespace quadhop
