#include <algorithm>
#include <set>

#include "launch/config/config_fields.h"
#include "launch/report/sections.h"

namespace quadhop {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

Card Configs(const Runs& runs) {
  std::vector<Fields> configs(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    ForEachField(runs[i].config, [&](const auto& path, const auto& owner, const auto& field) {
      configs[i].emplace_back(path, FieldText(owner, field));
    });
  }
  std::vector<std::string> header = {"field"};
  for (const RunRecord& run : runs) header.push_back(run.name);
  std::vector<std::vector<std::string>> rows;
  for (size_t f = 0; f < configs[0].size(); ++f) {
    std::vector<std::string> row = {configs[0][f].first};
    bool same = true;
    for (const Fields& config : configs) {
      same = same && config[f].second == configs[0][f].second;
      row.push_back(config[f].second);
    }
    if (!same || runs.size() == 1) rows.push_back(row);
  }
  if (rows.empty()) return {"Config", "All runs have the same config.", {}, ""};
  return {runs.size() == 1 ? "Config" : "What the configs differ in",
          runs.size() == 1 ? "Every field." : "All other fields are equal.",
          {},
          TableHtml(header, rows)};
}

Card Machines(const Runs& runs) {
  std::set<std::string> names;
  for (const RunRecord& run : runs)
    for (const auto& [name, value] : run.machine) names.insert(name);
  std::vector<std::string> header = {"run"};
  for (const std::string& name : names) {
    std::string words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    header.push_back(words);
  }
  header.emplace_back("store");
  std::vector<std::vector<std::string>> rows;
  for (const RunRecord& run : runs) {
    rows.push_back({run.name});
    for (const std::string& name : names) {
      const auto found = run.machine.find(name);
      rows.back().push_back(found == run.machine.end() ? "-" : found->second);
    }
    rows.back().push_back(run.store);
  }
  const std::string missing =
      NotRecordedBy(runs, [](const RunRecord& run) { return !run.machine.empty(); });
  return {"Machine and store", "Threads are per rank. " + missing, {}, TableHtml(header, rows)};
}

}  // namespace

std::string SettingsSection(const Runs& runs) {
  return SectionHtml("Settings", {Configs(runs), Machines(runs)});
}

}  // namespace quadhop
