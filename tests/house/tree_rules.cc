#include "tests/house/tree_rules.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <utility>

namespace quadhop {
namespace {

namespace fs = std::filesystem;

// What each module may include besides itself. tests may include all.
const std::map<std::string, std::set<std::string>>& AllowedIncludes() {
  static const auto* const kAllowed = new std::map<std::string, std::set<std::string>>{
      {"core", {}},
      {"comm", {"core"}},
      {"partition", {"core", "comm"}},
      {"sampler", {"core", "comm"}},
      {"model", {"core", "comm"}},
      {"launch", {"core", "comm", "partition", "sampler", "model"}},
  };
  return *kAllowed;
}

// Calls visit(path, line number, text) for each line of each source.
using LineVisitor = std::function<void(const std::string&, int, const std::string&)>;
void ForEachLine(const std::string& root, const LineVisitor& visit) {
  for (const std::string& path : SourcesOf(root)) {
    std::ifstream file(fs::path(root) / path);
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) visit(path, number, line);
  }
}

std::string Breach(const std::string& path, int line, const std::string& what) {
  return path + ":" + std::to_string(line) + ": " + what;
}

// Headers of a backend, by the path they are included with, and the files that may include them.
struct Backend {
  std::regex header;
  std::regex file_name;
};
const std::vector<Backend>& Backends() {
  static const auto* const kBackends = new std::vector<Backend>{
      {std::regex("(cuda|cublas|cusparse|curand|cub/|thrust/|cooperative_groups|mma\\.h).*"),
       std::regex(".*\\.cuh?|nccl.*|.*cuda.*|mma\\.h")},
      {std::regex("nccl\\.h"), std::regex("nccl.*")},
      {std::regex("mpi\\.h"), std::regex("(mpi|ptscotch).*")},
      {std::regex("metis\\.h"), std::regex("metis.*")},
      {std::regex("(pt)?scotch\\.h"), std::regex("ptscotch.*")},
  };
  return *kBackends;
}

// The folders of the first level at which two paths differ: "a/b/c" and "a/d" part at "a/b" and
// "a/d"; "a" and "a/d" as they stand.
std::pair<std::string, std::string> WhereTheyPart(const fs::path& a, const fs::path& b) {
  fs::path of_a, of_b;
  auto x = a.begin(), y = b.begin();
  while (of_a == of_b) {
    if (x != a.end()) of_a /= *x++;
    if (y != b.end()) of_b /= *y++;
  }
  return {of_a, of_b};
}

}  // namespace

std::vector<std::string> SourcesOf(const std::string& root) {
  std::vector<std::string> folders = {"tests"};
  for (const auto& [module, allowed] : AllowedIncludes()) folders.push_back(module);
  const std::set<std::string> extensions = {".h", ".cc", ".cu", ".cuh"};
  std::vector<std::string> sources;
  for (const std::string& folder : folders) {
    std::error_code absent;  // a folder that is not there has no sources
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / folder, absent)) {
      if (entry.is_regular_file() && extensions.count(entry.path().extension()) != 0)
        sources.push_back(fs::relative(entry.path(), root));
    }
  }
  std::sort(sources.begin(), sources.end());
  return sources;
}

std::vector<std::string> IncludesThatPointUp(const std::string& root) {
  static const std::regex kOurInclude("\\s*#\\s*include\\s*[\"<]([a-z]+)/([^\">]+)[\">].*");
  std::vector<std::string> breaches;
  ForEachLine(root, [&](const std::string& path, int number, const std::string& line) {
    std::smatch match;
    if (!std::regex_match(line, match, kOurInclude)) return;
    const std::string from = path.substr(0, path.find('/')), to = match[1];
    const bool to_tests = to == "tests";
    if (from == "tests" || from == to || (!to_tests && AllowedIncludes().count(to) == 0)) return;
    if (to_tests || AllowedIncludes().at(from).count(to) == 0)
      breaches.push_back(
          Breach(path, number, from + " must not include " + to + "/" + match[2].str()));
  });
  return breaches;
}

std::vector<std::string> IncludesInCircles(const std::string& root, const std::string& module) {
  const std::regex in_folder(module + "/(.+)/[^/]+");
  const std::regex include("\\s*#\\s*include\\s*[\"<]" + module + "/(.+)/[^/]+[\">].*");
  struct Include {
    std::string path, from, to;
    int line;
  };
  std::vector<Include> includes;
  std::map<std::string, std::set<std::string>> reached;  // from each folder
  ForEachLine(root, [&](const std::string& path, int number, const std::string& line) {
    std::smatch from, to;
    if (!std::regex_match(path, from, in_folder) || !std::regex_match(line, to, include)) return;
    if (from[1] == to[1]) return;
    const auto [from_folder, to_folder] = WhereTheyPart(from.str(1), to.str(1));
    includes.push_back({path, from_folder, to_folder, number});
    reached[from_folder].insert(to_folder);
  });
  for (const auto& [between, ends] : reached) {
    for (auto& [from, to] : reached)
      if (to.count(between) != 0) to.insert(ends.begin(), ends.end());
  }
  std::vector<std::string> breaches;
  for (const Include& found : includes) {
    if (reached[found.to].count(found.from) != 0)
      breaches.push_back(
          Breach(found.path, found.line, found.from + " and " + found.to + " include each other"));
  }
  return breaches;
}

std::vector<std::string> BackendHeadersOutOfPlace(const std::string& root) {
  static const std::regex kInclude("\\s*#\\s*include\\s*[\"<]([^\">]+)[\">].*");
  std::vector<std::string> breaches;
  ForEachLine(root, [&](const std::string& path, int number, const std::string& line) {
    std::smatch match;
    if (!std::regex_match(line, match, kInclude)) return;
    const std::string header = match[1], name = fs::path(path).filename();
    for (const Backend& backend : Backends()) {
      if (std::regex_match(header, backend.header) && !std::regex_match(name, backend.file_name))
        breaches.push_back(Breach(path, number, header + " belongs in files named for it"));
    }
  });
  return breaches;
}

std::vector<std::string> SourcesTooLong(const std::string& root, int max_lines) {
  std::map<std::string, int> lengths;
  ForEachLine(root, [&](const std::string& path, int number, const std::string&) {
    lengths[path] = number;
  });
  std::vector<std::string> breaches;
  for (const auto& [path, length] : lengths) {
    if (length > max_lines)
      breaches.push_back(Breach(
          path, length, "longer than " + std::to_string(max_lines) + " lines: cut it by concept"));
  }
  return breaches;
}

}  // namespace quadhop
