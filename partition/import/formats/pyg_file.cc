#include "partition/import/formats/pyg_file.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/status.h"

namespace quadhop {
namespace {

using Kind = PickleValue::Kind;

// The dict of the graph's arrays, wherever a Data keeps them: since version 2 of PyTorch Geometric,
// or before.
const PickleValue& GraphOf(const PickleValue& root) {
  const PickleValue* graph = &root;
  if (graph->kind == Kind::kList && !graph->items.empty()) graph = graph->items[0];
  if (const PickleValue* store = graph->Find("_store"); store != nullptr) graph = store;
  if (const PickleValue* mapping = graph->Find("_mapping"); mapping != nullptr) graph = mapping;
  return graph->kind == Kind::kObject && graph->content != nullptr ? *graph->content : *graph;
}

// OGB's get_idx_split(), the dict of train, valid and test: with the graph's arrays, or after the
// graph in a list. nullptr: neither.
const PickleValue* SplitOf(const PickleValue& root, const PickleValue& graph) {
  if (const PickleValue* split = graph.Find("split_idx"); split != nullptr) return split;
  if (root.kind != Kind::kList) return nullptr;
  const auto split =
      std::find_if(root.items.begin(), root.items.end(),
                   [](const PickleValue* item) { return item->Find("train") != nullptr; });
  return split == root.items.end() ? nullptr : *split;
}

// slices: for each array of a dataset, where its graphs begin, and the end.
absl::Status CheckOneGraph(const TorchFile& file) {
  const auto& items = file.root().items;
  const auto is_heterogeneous = [](const PickleValue* value) {
    return value->Find("_node_store_dict") != nullptr ||
           GraphOf(*value).Find("_node_store_dict") != nullptr;
  };
  if (is_heterogeneous(&file.root()) || std::any_of(items.begin(), items.end(), is_heterogeneous))
    return ArrayError(file.path(), "a HeteroData",
                      "a store has one kind of node and edge: data.to_homogeneous() makes it so");
  // Of the dicts in a list, slices are one: their edge_index has one dimension.
  const auto is_graph = [&file](const PickleValue* item) {
    const PickleValue* const arcs = GraphOf(*item).Find("edge_index");
    if (arcs == nullptr || item->kind == Kind::kObject) return arcs != nullptr;
    const absl::StatusOr<ArraySource> array = file.Array(*arcs, "edge_index");
    return array.ok() && array->dims().size() == 2;
  };
  if (const auto num_graphs = std::count_if(items.begin(), items.end(), is_graph); num_graphs > 1)
    return ArrayError(file.path(), absl::StrCat("a list of ", num_graphs, " graphs"),
                      "a store holds a single one: torch.save(graphs[0], \"graph.pt\")");
  const PickleValue* const begins = items.size() < 2 ? nullptr : items[1]->Find("edge_index");
  if (begins == nullptr) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const ArraySource array, file.Array(*begins, "slices of edge_index"));
  if (array.size() <= 2) return absl::OkStatus();
  return ArrayError(file.path(), absl::StrCat("a dataset of ", array.size() - 1, " graphs"),
                    "a store holds a single one: torch.save(dataset[0], \"graph.pt\")");
}

}  // namespace

bool IsTorchName(const std::string& path) {
  return absl::EndsWith(path, ".pt") || absl::EndsWith(path, ".pth");
}

absl::StatusOr<std::unique_ptr<PygFile>> PygFile::Open(const std::string& path, int64_t max_bytes) {
  std::unique_ptr<PygFile> file(new PygFile);
  if (IsTorchName(path)) {
    QH_ASSIGN_OR_RETURN(file->torch_, TorchFile::Open(path, max_bytes));
    QH_RETURN_IF_ERROR(file->TakeTorch());
  } else {
    QH_ASSIGN_OR_RETURN(file->npz_, NpzFile::Open(path, max_bytes));
    file->arrays_ = file->npz_->arrays();
  }
  return file;
}

absl::Status PygFile::TakeTorch() {
  QH_RETURN_IF_ERROR(CheckOneGraph(*torch_));
  arrays_.place = torch_->path();
  std::map<std::string, const PickleValue*> values;
  const auto take = [&values](const PickleValue& dict, absl::string_view suffix) {
    for (const auto& [name, value] : dict.entries)
      if (name->kind == Kind::kText && value->kind != Kind::kNone)
        values.try_emplace(absl::StrCat(name->text, suffix), value);
  };
  const PickleValue& graph = GraphOf(torch_->root());
  take(graph, "");
  if (const PickleValue* split = SplitOf(torch_->root(), graph);
      split != nullptr && split->kind == Kind::kDict && !values.contains("train_idx")) {
    take(*split, "_idx");
    values.erase("split_idx");
  }
  for (const auto& [name, value] : values) arrays_.names.push_back(name);
  arrays_.open = [this, values](const std::string& name) -> absl::StatusOr<ArraySource> {
    const auto found = values.find(name);
    if (found != values.end()) return torch_->Array(*found->second, name);
    return absl::NotFoundError(
        absl::StrCat(arrays_.place, " has no ", name, "; it has: ", ListOfNames(arrays_.names)));
  };
  return absl::OkStatus();
}

}  // namespace quadhop
