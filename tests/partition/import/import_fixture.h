// A fixture that imports what a test writes, and looks at the store that comes of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/store/store.h"
#include "partition/import/import.h"
#include "tests/partition/import/import_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {

class ImportOf : public ::testing::Test {
 protected:
  // A file of the input folder is imported; arcs are kept as they are.
  ImportOptions OptionsFor(const std::string& from) const {
    ImportOptions options;
    options.from = input_ / from;
    options.store = output_ / "s.qh";
    options.directed = true;
    return options;
  }
  absl::StatusOr<ImportReport> ImportIt(const std::string& from,
                                        const std::string& format = "auto") {
    ImportOptions options = OptionsFor(from);
    options.format = format;
    return Import(options, pool_);
  }
  // Of one file with this text.
  absl::StatusOr<ImportReport> ImportText(const std::string& name, const std::string& text,
                                          const std::string& format = "auto") {
    input_.Write(name, text);
    return ImportIt(name, format);
  }

  using Arcs = std::vector<std::pair<int64_t, int64_t>>;
  // Of the store, ascending.
  Arcs StoredArcs() const {
    const absl::StatusOr<std::unique_ptr<Store>> store = Store::Open(output_ / "s.qh");
    Arcs arcs;
    if (!store.ok()) return arcs;
    const absl::StatusOr<Topology> topology = (*store)->topology();
    if (!topology.ok()) return arcs;
    for (size_t v = 0; v + 1 < topology->indptr.size(); ++v)
      for (int64_t e = topology->indptr[v]; e < topology->indptr[v + 1]; ++e)
        arcs.emplace_back(v, topology->indices32[static_cast<size_t>(e)]);
    return arcs;
  }

  static constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
  InputFolder input_;
  TempDir output_;
  ThreadPool pool_{2};
};

}  // namespace quadhop
