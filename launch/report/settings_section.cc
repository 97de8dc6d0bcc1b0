#include <absl/strings/str_cat.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "launch/config/config_fields.h"
#include "launch/report/sections.h"

namespace quadhop {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// A row for each name in which the runs differ; of one run, for every name.
std::string DifferencesHtml(const Runs& runs, const std::vector<Fields>& of_runs) {
  std::vector<std::string> header = {"field"}, names;
  for (const RunRecord& run : runs) header.push_back(run.name);
  for (const Fields& fields : of_runs)
    for (const auto& [name, value] : fields)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : names) {
    std::vector<std::string> row = {name};
    for (const Fields& fields : of_runs) {
      const auto found = std::find_if(fields.begin(), fields.end(),
                                      [&](const auto& field) { return field.first == name; });
      row.push_back(found == fields.end() ? "-" : found->second);
    }
    const bool same =
        std::adjacent_find(row.begin() + 1, row.end(), std::not_equal_to<>()) == row.end();
    if (!same || runs.size() == 1) rows.push_back(row);
  }
  return rows.empty() ? "" : TableHtml(header, rows);
}

Card Configs(const Runs& runs) {
  std::vector<Fields> configs(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    ForEachField(runs[i].config, [&](const auto& path, const auto& owner, const auto& field) {
      configs[i].emplace_back(path, FieldText(owner, field));
    });
  }
  const std::string differences = DifferencesHtml(runs, configs);
  if (differences.empty()) return {"Config", "All runs have the same config.", {}, ""};
  return {runs.size() == 1 ? "Config" : "What the configs differ in",
          runs.size() == 1 ? "Every field." : "All other fields are equal.",
          {},
          differences};
}

// How the stores were made, which is no part of a config.
Card Data(const Runs& runs) {
  std::vector<Fields> data;
  for (const RunRecord& run : runs) data.push_back(run.made_of);
  const std::string missing =
      NotRecordedBy(runs, [](const RunRecord& run) { return !run.store_identity.empty(); });
  const std::string differences = DifferencesHtml(runs, data);
  if (differences.empty())
    return {"Data", "All runs have the same store, split and initial weights. " + missing, {}, ""};
  return {
      runs.size() == 1 ? "Data" : "What the data differ in",
      absl::StrCat("Steps of the store with their options, as it was when the run began; split; "
                   "initial weights. ",
                   runs.size() == 1 ? "" : "What is not here is equal. ", missing),
      {},
      differences};
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
  return SectionHtml("Settings", {Configs(runs), Data(runs), Machines(runs)});
}

}  // namespace quadhop
