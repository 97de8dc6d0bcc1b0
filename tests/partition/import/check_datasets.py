"""Imports every real graph, in every format it comes in, and compares the store with numpy and scipy, digit by digit.

    check_datasets.py QUADHOP DATA [NAME...]

DATA is the folder of real graphs (NAME/raw/..., formats/...). For each: the compressed rows, made symmetric, without
duplicates and self-loops; features and labels; and after `propagate` the hop features, summed in float32 in the order
that sparse_product.h states. Prints a line a graph and exits 1 if any differs, or 77 without scipy.
"""
import gzip
import os
import pickle
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import scipy.io
    import scipy.sparse as sp
except ImportError as error:
    print(error)
    sys.exit(77)


PIECE = 256


def table(path, dtype):
    with gzip.open(path, "rt") as file:
        return np.array([[float(x or "nan") for x in line.split(",")] for line in file], dtype)


def ogb(folder):
    arcs = table(f"{folder}/raw/edge.csv.gz", np.int64)
    n = int(table(f"{folder}/raw/num-node-list.csv.gz", np.int64)[0, 0])
    path = f"{folder}/raw/node-feat.csv.gz"
    features = table(path, np.float32) if os.path.exists(path) else None
    labels = table(f"{folder}/raw/node-label.csv.gz", np.float64)
    return n, arcs[:, 0], arcs[:, 1], features, labels


def shchur(path):
    data = np.load(path, allow_pickle=True)
    adjacency, features = data["adj_matrix"].item().tocoo(), data["node_attr"].item().toarray()
    return adjacency.shape[0], adjacency.row, adjacency.col, features, data["node_label"][:, None]


def yandex(path):
    data = np.load(path)
    edges = data["edges"]
    return (len(data["node_labels"]), edges[:, 0], edges[:, 1], data["node_features"], data["node_labels"][:, None])


def planetoid(prefix):
    def load(name):
        with open(f"{prefix}.{name}", "rb") as file:
            return pickle.load(file, encoding="latin1")

    allx, tx, ally, ty, graph = (load(name) for name in ("allx", "tx", "ally", "ty", "graph"))
    test = np.loadtxt(f"{prefix}.test.index", dtype=np.int64)
    n = max(allx.shape[0], test.max() + 1)
    features = np.zeros((n, allx.shape[1]), np.float32)
    one_hot = np.zeros((n, ally.shape[1]))
    features[:allx.shape[0]], one_hot[:len(ally)] = allx.toarray(), ally
    features[test], one_hot[test] = tx.toarray(), ty
    labels = np.where(one_hot.any(1), one_hot.argmax(1), np.nan)
    pairs = np.array([(v, u) for v, row in graph.items() for u in row])
    return n, pairs[:, 0], pairs[:, 1], features, labels[:, None]


def facebook100(path):
    data = scipy.io.loadmat(path)
    adjacency, info = data["A"].tocoo(), data["local_info"].astype(np.int64)
    columns = [(info[:, [c]] == np.unique(info[:, c])) for c in range(info.shape[1]) if c != 1]
    labels = np.where(info[:, 1] == 0, np.nan, info[:, 1] - 1)
    return len(info), adjacency.row, adjacency.col, np.hstack(columns).astype(np.float32), labels[:, None]


def blogcatalog(path):
    data = scipy.io.loadmat(path)
    adjacency = data["network"].tocoo()
    return adjacency.shape[0], adjacency.row, adjacency.col, None, data["group"].toarray()


def expected_rows(n, sources, targets):
    keep = sources != targets
    pattern = sp.coo_matrix((np.ones(keep.sum(), bool), (sources[keep], targets[keep])), shape=(n, n)).tocsr()
    both = (pattern + pattern.T).tocsr()
    both.sort_indices()
    return both


def expected_hops(rows, x):
    """(1 + degree)^-1/2 in float32 on both sides; a node's own row first, then its neighbours in order. Sums of more than
    256 neighbours are those of pieces of as many, added up in float64."""
    n = rows.shape[0]
    scale = (1 / np.sqrt((1 + np.diff(rows.indptr)).astype(np.float64))).astype(np.float32)
    indptr = rows.indptr.astype(np.int64) + np.arange(n + 1)
    indices = np.insert(rows.indices, rows.indptr[:-1], np.arange(n))
    own_first = sp.csr_matrix((scale[indices], indices, indptr), shape=(n, n))
    hops = [x]
    for _ in range(2):
        last = hops[-1]
        sums = own_first @ last
        for v in np.nonzero(np.diff(rows.indptr) > PIECE)[0]:
            neighbours = rows.indices[rows.indptr[v]:rows.indptr[v + 1]]
            ends = np.append(np.arange(0, len(neighbours), PIECE), len(neighbours))
            pieces = sp.csr_matrix((scale[neighbours], neighbours, ends), shape=(len(ends) - 1, n)) @ last
            total = (scale[v] * last[v]).astype(np.float64)
            for piece in pieces:
                total += piece
            sums[v] = total.astype(np.float32)
        hops.append(sums * scale[:, None])
    return np.stack(hops, 1)


def raw_features(store):
    if os.path.exists(f"{store}/raw.npy"):
        return np.load(f"{store}/raw.npy")
    indptr, indices, values = (np.load(f"{store}/raw.{name}.npy") for name in ("indptr", "indices", "values"))
    shape = (len(indptr) - 1, int(indices.max()) + 1)
    return sp.csr_matrix((values, indices.astype(np.int64), indptr), shape=shape).toarray()


def same(name, actual, expected, faults):
    if actual.shape != expected.shape or not np.array_equal(actual, expected):
        faults.append(name)


def check(quadhop, path, expected, folder):
    n, sources, targets, features, labels = expected
    store = f"{folder}/s.qh"
    subprocess.run([quadhop, "import", "--from", path, "--store", store], check=True, stdout=subprocess.DEVNULL)
    faults = []
    rows = expected_rows(n, np.asarray(sources, np.int64), np.asarray(targets, np.int64))
    same("indptr", np.load(f"{store}/indptr.npy"), rows.indptr.astype(np.int64), faults)
    same("indices", np.load(f"{store}/indices.npy"), rows.indices.astype(np.uint32), faults)
    stored = np.load(f"{store}/labels.npy")
    if labels.shape[1] == 1:
        same("labels", stored, np.where(np.isnan(labels[:, 0].astype(float)), -1, labels[:, 0]).astype(np.int32), faults)
    else:
        same("labels", stored, labels.astype(np.uint8), faults)
    if features is not None:
        raw = raw_features(store)
        used = np.zeros(features.shape, np.float32)
        used[:, :raw.shape[1]] = raw
        same("features", used, features.astype(np.float32), faults)
        subprocess.run([quadhop, "propagate", "--store", store], check=True, stdout=subprocess.DEVNULL)
        same("hop features", np.load(f"{store}/features.npy", mmap_mode="r"),
             expected_hops(rows, features.astype(np.float32)), faults)
    return faults


def main():
    quadhop, data, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    formats = f"{data}/formats"
    cases = [(name, f"{data}/{name}", ogb) for name in sorted(os.listdir(data))
             if os.path.exists(f"{data}/{name}/raw/edge.csv.gz")]
    cases += [("amazon_photo.npz", f"{formats}/amazon_photo.npz", shchur),
              ("tolokers.npz", f"{formats}/tolokers.npz", yandex),
              ("ind.citeseer", f"{formats}/ind.citeseer", planetoid),
              ("JohnsHopkins55.mat", f"{formats}/JohnsHopkins55.mat", facebook100),
              ("blogcatalog.mat", f"{formats}/blogcatalog.mat", blogcatalog)]
    good = True
    for name, path, read in cases:
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            faults = check(quadhop, path, read(path), folder)
        good &= not faults
        print(f"{name}: {'differs in ' + ', '.join(faults) if faults else 'equal in every digit'}", flush=True)
    sys.exit(0 if good else 1)


main()
