#include "partition/import/formats/foreign_formats.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>

namespace quadhop {
namespace {

struct Foreign {
  const char* ending;
  const char* name;
  const char* instead;
};

constexpr char kNetworkx[] =
    "read it in networkx and write its edges, networkx.write_edgelist(G, \"edges.csv\", "
    "delimiter=\",\", data=False), for --format edge-list, or with --nodes if nodes have names";
constexpr char kTable[] =
    "write its arcs as csv, two ids a line, and its nodes as a table for --nodes";
constexpr char kDgl[] =
    "numpy.savez(\"graph.npz\", edge_index=numpy.stack(g.edges()), x=g.ndata[\"feat\"], "
    "y=g.ndata[\"label\"]), with train_mask, val_mask and test_mask if it has them";

constexpr char kPickle[] =
    "of a dict of arrays, numpy.savez(\"graph.npz\", edge_index=..., x=..., y=...); of a graph of "
    "networkx, networkx.write_edgelist(G, \"edges.csv\", delimiter=\",\", data=False)";
constexpr char kUnpack[] = "tar -xf FILE unpacks it; --from a file or folder of what comes out";

constexpr Foreign kForeign[] = {
    {".tar", "a tar archive", kUnpack},
    {".tgz", "a tar archive", kUnpack},
    {".tar.bz2", "a tar archive", kUnpack},
    {".tar.xz", "a tar archive", kUnpack},
    {".tar.zst", "a tar archive", kUnpack},
    {".zip", "a zip archive", "unzip FILE unpacks it; --from a file or folder of what comes out"},
    {".7z", "a 7z archive", "7z x FILE unpacks it; --from a file or folder of what comes out"},
    {".bz2", "compressed by bzip2", "bunzip2 FILE decompresses it"},
    {".xz", "compressed by xz", "xz -d FILE decompresses it"},
    {".zst", "compressed by zstd", "zstd -d FILE decompresses it"},
    {".graphml", "GraphML", kNetworkx},
    {".gexf", "GEXF", kNetworkx},
    {".gml", "GML", kNetworkx},
    {".dot", "DOT", kNetworkx},
    {".g6", "graph6", kNetworkx},
    {".net", "Pajek's", kNetworkx},
    {".adjlist", "a list of neighbours", kNetworkx},
    {".gpickle", "a Python pickle", kPickle},
    {".pkl", "a Python pickle", kPickle},
    {".pickle", "a Python pickle", kPickle},
    {".json", "JSON", kTable},
    {".parquet", "Parquet", kTable},
    {".xlsx", "Excel's", kTable},
    {".bin", "DGL's, if dgl.save_graphs wrote it", kDgl},
};

}  // namespace

absl::Status CheckNotForeign(const std::string& path) {
  const absl::string_view name = absl::StripSuffix(path, ".gz");
  for (const Foreign& foreign : kForeign)
    if (absl::EndsWithIgnoreCase(name, foreign.ending))
      return absl::InvalidArgumentError(absl::StrCat(path, " is in a format that is not read, ",
                                                     foreign.name, ": ", foreign.instead));
  return absl::OkStatus();
}

}  // namespace quadhop
