// A fixture that imports an edge list and tables of its nodes.
#pragma once

#include <absl/strings/str_cat.h>

#include <memory>
#include <string>
#include <vector>

#include "core/store/store.h"
#include "partition/import/tables/node_columns.h"
#include "tests/partition/import/import_fixture.h"

namespace quadhop {

class Tables : public ImportOf {
 protected:
  // Of edges, and of tables of nodes.
  absl::StatusOr<ImportReport> ImportTables(const std::string& edges,
                                            const std::vector<std::string>& tables,
                                            const ColumnsWanted& wanted = {}) {
    input_.Write("edges.csv", edges);
    ImportOptions options = OptionsFor("edges.csv");
    for (size_t i = 0; i < tables.size(); ++i) {
      const std::string name = absl::StrCat("nodes", i, ".csv");
      input_.Write(name, tables[i]);
      options.nodes.push_back(input_ / name);
    }
    options.id = wanted.id;
    options.label = wanted.label;
    options.left_out = wanted.left_out;
    options.one_hot = wanted.one_hot;
    return Import(options, pool_);
  }
  absl::Status ErrorOf(const std::string& edges, const std::string& nodes,
                       const ColumnsWanted& wanted = {}) {
    return ImportTables(edges, {nodes}, wanted).status();
  }

  // Of the store.
  std::unique_ptr<Store> OpenStore() const { return Store::Open(output_ / "s.qh").value(); }
  std::vector<float> Features() const {  // of all nodes, one after another
    const std::unique_ptr<Store> store = OpenStore();
    const auto values = store->array("raw.npy").value()->values<float>();
    return {values.begin(), values.end()};
  }
  std::vector<int32_t> Labels() const {
    const std::unique_ptr<Store> store = OpenStore();
    const auto labels = store->labels().value();
    return {labels.begin(), labels.end()};
  }
  std::vector<std::string> ClassNames() const {
    const std::unique_ptr<Store> store = OpenStore();
    const auto& names = store->manifest().class_names();
    return {names.begin(), names.end()};
  }
  std::vector<int> Split() const {
    const std::unique_ptr<Store> store = OpenStore();
    const auto split = store->split("").value();
    return {split.begin(), split.end()};
  }
};

}  // namespace quadhop
