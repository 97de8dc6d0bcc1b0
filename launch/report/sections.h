// What a report shows, one section per file. Each takes the runs in the order of their colours; the
// note of a card says what a run did not record; nothing is made up.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "core/threads/thread_pool.h"
#include "launch/report/page.h"
#include "launch/report/run_record.h"

namespace quadhop {

using Runs = std::vector<RunRecord>;

std::string ResultsSection(const Runs& runs);   // results_section.cc: a table
std::string CurvesSection(const Runs& runs);    // curves_section.cc: loss and accuracy
std::string TimeSection(const Runs& runs);      // time_section.cc: a step by stage, exchange
std::string MistakesSection(const Runs& runs);  // mistakes_section.cc: by class, by degree
std::string CodebookSection(const Runs& runs);  // codebook_section.cc: nodes per centroid
// partition_section.cc: the stores that are still where the runs read them.
std::string PartitionSection(const Runs& runs, ThreadPool& pool);
std::string SettingsSection(
    const Runs& runs);  // settings_section.cc: configs that differ, machines

// The names of the runs for which `has` is false: "Not recorded by A, B."; "" if there are none.
template <typename Has>
std::string NotRecordedBy(const Runs& runs, const Has& has,
                          const std::string& what = "Not recorded by ") {
  std::string names;
  for (const RunRecord& run : runs)
    if (!has(run)) names += (names.empty() ? "" : ", ") + run.name;
  return names.empty() ? "" : what + names + ".";
}

}  // namespace quadhop
