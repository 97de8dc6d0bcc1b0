#include "tests/fuzz/reader.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "core/base/check.h"

namespace quadhop {
namespace {

using Notices = Reader::Notices;
using Readers = std::vector<std::unique_ptr<Reader>>;

struct ImportedFile {
  const char* format;
  const char* file;
};

template <typename... Readers_>
Readers ListOf(Readers_... readers) {
  Readers list;
  (list.push_back(std::move(readers)), ...);
  return list;
}

Readers Imports(std::initializer_list<ImportedFile> files, Notices notices) {
  Readers list;
  for (const ImportedFile& file : files)
    list.push_back(MakeImportReader(file.format, file.file, notices));
  return list;
}

}  // namespace

const std::vector<FuzzTarget>& FuzzTargets() {
  static const auto* const kTargets = new std::vector<FuzzTarget>{
      {"npy", [] { return ListOf(MakeNpyReader()); }},
      {"gzip", [] { return ListOf(MakeGzipReader(), MakeGzipMembersReader()); }},
      {"pickle", [] { return ListOf(MakePickleReader(), MakeTorchPickleReader()); }},
      {"safetensors", [] { return ListOf(MakeSafetensorsReader()); }},
      {"store", [] { return ListOf(MakeStoreReader()); }},
      {"checkpoint", [] { return ListOf(MakeCheckpointReader()); }},
      {"config", [] { return ListOf(MakeConfigReader()); }},
      {"hostfile", [] { return ListOf(MakeHostfileReader()); }},
      {"run", MakeRunReaders},
      {"arrays",
       [] {
         return Imports({{"arrays", "arcs.npy"}, {"arrays", "x.npy"}, {"arrays", "s.npy"}},
                        Notices::kMissingEnds);
       }},
      {"npz",
       [] {
         return Imports({{"pyg", "g.npz"},
                         {"pyg/torch", "g.pt"},
                         {"shchur", "g.npz"},
                         {"ogb-binary", "raw/data.npz"},
                         {"scipy", "a.npz"}},
                        Notices::kAllDamage);
       }},
      {"planetoid",
       [] {
         return Imports({{"planetoid", "ind.little.allx"},
                         {"planetoid", "ind.little.ally"},
                         {"planetoid", "ind.little.graph"}},
                        Notices::kMissingEnds);
       }},
      {"mat",
       [] {
         return Imports({{"linkx", "g.mat"}}, Notices::kMissingEnds);
       }},
      {"csv",
       [] {
         return Imports({{"ogb", "raw/edge.csv"}, {"ogb", "raw/node-feat.csv"}}, Notices::kNothing);
       }},
      {"edge_list",
       [] {
         return Imports({{"edge-list", "edges.txt"}}, Notices::kNothing);
       }},
      {"tables",
       [] {
         return Imports({{"tables", "nodes.csv"},
                         {"tables", "edges.csv"},
                         {"tables/content", "little.content"}},
                        Notices::kNothing);
       }},
      {"matrix_market",
       [] {
         return Imports({{"matrix-market", "g.mtx"}}, Notices::kNothing);
       }},
      {"metis_graph",
       [] {
         return Imports({{"metis-graph", "g.graph"}}, Notices::kNothing);
       }},
      {"json",
       [] {
         return Imports({{"dgl", "metadata.json"},
                         {"graphsaint", "class_map.json"},
                         {"graphsaint", "role.json"}},
                        Notices::kMissingEnds);
       }},
  };
  return *kTargets;
}

const FuzzTarget& FuzzTargetOf(absl::string_view name) {
  const auto found = std::find_if(
      FuzzTargets().begin(), FuzzTargets().end(),
      [&](const FuzzTarget& target) { return absl::string_view(target.name) == name; });
  QH_CHECK(found != FuzzTargets().end());
  return *found;
}

absl::StatusOr<std::string> ReadChecked(Reader& reader, absl::string_view bytes) {
  absl::StatusOr<std::string> text = reader.Read(bytes);
  const absl::Status& status = text.status();
  if (!status.ok() &&
      (status.message().empty() || absl::IsInternal(status) || absl::IsUnknown(status))) {
    std::fprintf(stderr, "an error that is not clear: %s\n", status.ToString().c_str());
    QH_CHECK(false && "errors of files say what is wrong");
  }
  return text;
}

void WriteBytes(const std::string& path, absl::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  QH_CHECK(file.good());
}

}  // namespace quadhop
