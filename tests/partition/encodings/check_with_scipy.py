"""Computes hop features and encodings of a store with numpy and scipy, and compares.

    check_with_scipy.py STORE FASTRP_START.npy

STORE has f32 features and fastrp encodings; FASTRP_START [N, G] are the random numbers they start from, or a path
that does not exist, and then the encodings are those of svd. Prints what differs and exits 1, or 77 without scipy.
"""
import os
import sys

try:
    import numpy as np
    import scipy.sparse as sp
except ImportError as error:
    print(error)
    sys.exit(77)


def close(name, actual, expected, tolerance):
    error = np.abs(actual - expected).max()
    print(f"{name}: largest difference {error:.3g}, allowed {tolerance:.3g}")
    return bool(error <= tolerance)


def main():
    store, start = sys.argv[1:]
    indptr, indices, x = (np.load(f"{store}/{name}.npy") for name in ("indptr", "indices", "raw"))
    n = len(indptr) - 1
    a = sp.csr_matrix((np.ones(len(indices)), indices.astype(np.int64), indptr), shape=(n, n)) + sp.eye(n)
    rows, cols = np.asarray(a.sum(1)).ravel() ** -0.5, np.asarray(a.sum(0)).ravel() ** -0.5
    norm = sp.diags(cols) @ a @ sp.diags(rows)
    one = norm @ x.astype(np.float64)
    hops = np.stack((x, one, norm @ one), axis=1)
    good = close("features", np.load(f"{store}/features.npy"), hops, 1e-5 * np.abs(hops).max())

    encodings = np.load(f"{store}/pos_enc.npy")
    if os.path.exists(start):
        r, total = np.load(start).astype(np.float64), 0
        for weight in (0.5, 1.0, 1.0):
            r = norm @ r
            r /= np.linalg.norm(r, axis=1, keepdims=True) + 1e-12
            total = total + weight * r
    else:
        u, s, _ = np.linalg.svd(norm.toarray())
        total = (u * s)[:, :encodings.shape[1]]
        total = total * np.sign(total[np.abs(total).argmax(0), np.arange(total.shape[1])])
    expected = (total - total.mean(0)) / (total.std(0) + 1e-12)
    good &= close("encodings", encodings, expected, 1e-5)
    sys.exit(0 if good else 1)


main()
