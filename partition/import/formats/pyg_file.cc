#include "partition/import/formats/pyg_file.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

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

constexpr char kSplit[] = "split_idx";
constexpr const char* kParts[] = {"train", "valid", "test"};

// Whether the value is an array with at least one dim.
bool IsArray(const TorchFile& file, const PickleValue& value) {
  const absl::StatusOr<ArraySource> array = file.Array(value, "");
  return array.ok() && !array->dims().empty();
}

bool IsListOfParts(const TorchFile& file, const PickleValue& value) {
  return value.kind == Kind::kList && value.items.size() == std::size(kParts) &&
         std::all_of(value.items.begin(), value.items.end(),
                     [&](const PickleValue* item) { return IsArray(file, *item); });
}

// What stands after a graph in a list and tells nothing more: no value, a class, the slices of a
// dataset.
bool IsNothing(const PickleValue& item) {
  const bool is_class =
      item.kind == Kind::kGlobal || (item.kind == Kind::kObject && item.content == nullptr);
  return item.kind == Kind::kNone || is_class ||
         (item.kind == Kind::kDict && item.entries.empty()) || item.Find("edge_index") != nullptr;
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

// A value, and what errors call it.
struct NamedValue {
  const PickleValue* value;
  std::string shown;
};

void TakeDict(const PickleValue& dict, absl::string_view suffix,
              std::map<std::string, NamedValue>* values) {
  for (const auto& [key, value] : dict.entries) {
    const std::string name = absl::StrCat(key->text, suffix);
    if (key->kind == Kind::kText && value->kind != Kind::kNone)
      values->try_emplace(name, NamedValue{value, name});
  }
}

// What stands after the graph in a list: its labels, as in OGB's (graph, labels), and a split;
// what is neither has a name that nothing looks for.
void TakeItems(const TorchFile& file, std::map<std::string, NamedValue>* values) {
  const std::vector<PickleValue*>& items = file.root().items;
  const bool has_labels = std::any_of(std::begin(kLabelNames), std::end(kLabelNames),
                                      [&](const char* name) { return values->contains(name); });
  for (size_t i = 1; i < items.size(); ++i) {
    if (IsNothing(*items[i])) continue;
    const NamedValue item = {items[i], absl::StrCat("item ", i + 1, " of the list")};
    absl::string_view name = item.shown;
    const PickleValue* const train = items[i]->Find(kParts[0]);
    if ((train != nullptr && IsArray(file, *train)) || IsListOfParts(file, *items[i]))
      name = kSplit;
    else if (i == 1 && !has_labels && IsArray(file, *items[i]))
      name = kLabelNames[0];
    if (!values->try_emplace(std::string(name), item).second) values->try_emplace(item.shown, item);
  }
}

// The parts of OGB's get_idx_split(), a dict, or of a list of them, each under its own name.
absl::Status TakeSplit(const TorchFile& file, std::map<std::string, NamedValue>* values) {
  const auto found = values->find(kSplit);
  if (found == values->end() || values->contains("train_idx")) return absl::OkStatus();
  const PickleValue& split = *found->second.value;
  if (split.Find(kParts[0]) != nullptr) {
    TakeDict(split, "_idx", values);
  } else if (IsListOfParts(file, split)) {
    for (size_t i = 0; i < std::size(kParts); ++i) {
      const std::string name = absl::StrCat(kParts[i], "_idx");
      values->try_emplace(name, NamedValue{split.items[i], name});
    }
  } else {
    return ArrayError(absl::StrCat(file.path(), ": ", kSplit),
                      "neither a dict of train, valid and test nor a list of these three",
                      "each is an array of node ids; save it so, or under another name");
  }
  values->erase(found);
  return absl::OkStatus();
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
  std::map<std::string, NamedValue> values;
  TakeDict(GraphOf(torch_->root()), "", &values);
  if (torch_->root().kind == Kind::kList) TakeItems(*torch_, &values);
  QH_RETURN_IF_ERROR(TakeSplit(*torch_, &values));
  for (const auto& [name, value] : values) arrays_.names.push_back(name);
  arrays_.open = [this, values](const std::string& name) -> absl::StatusOr<ArraySource> {
    const auto found = values.find(name);
    if (found != values.end()) return torch_->Array(*found->second.value, found->second.shown);
    return absl::NotFoundError(
        absl::StrCat(arrays_.place, " has no ", name, "; it has: ", ListOfNames(arrays_.names)));
  };
  return absl::OkStatus();
}

}  // namespace quadhop
