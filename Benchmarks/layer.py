"""A layer that looks like a real one: many files, sizes as in a distribution's, contents that compress as programs and
text do. The same bytes every time, so that results of two machines can be compared."""

import gzip
import hashlib
import io
import json
import os
import random
import tarfile

# One real layer measured for comparison: 390 MB of tar, 14 500 entries, 114 MB as gzip.
FULL = {"files": 13000, "directories": 1100, "links": 400, "bytes": 375_000_000}
SMALL = {"files": 1300, "directories": 110, "links": 40, "bytes": 37_500_000}

POOL = 6 << 20


class _Contents:
    """Slices of two pools, one as text and one as machine code, that gzip takes to a third or less."""

    def __init__(self, chance):
        self._chance = chance
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        words = ["".join(chance.choices(letters, weights=range(26, 0, -1), k=chance.randint(2, 11))) for _ in range(1500)]
        weights = [1 / (rank + 1) for rank in range(len(words))]
        text = " ".join(chance.choices(words, weights, k=POOL // 5))
        self._text = text.encode()[:POOL]
        # Instructions repeat from a small set; between them stand operands that nothing predicts.
        patterns = [chance.randbytes(chance.randint(3, 12)) for _ in range(500)]
        shares = [1 / (rank + 3) for rank in range(len(patterns))]
        code = bytearray()
        for pattern in chance.choices(patterns, shares, k=POOL // 8):
            code += pattern
            if chance.random() < 0.1:
                code += chance.randbytes(2)
        self._code = bytes(code[:POOL])

    def take(self, size, is_text):
        pool = self._text if is_text else self._code
        parts, left = [], size
        while left > 0:
            part = min(left, self._chance.randint(20_000, 120_000))
            start = self._chance.randrange(len(pool) - part)
            parts.append(pool[start:start + part])
            left -= part
        return b"".join(parts)


def _sizes(chance, count, total):
    """Most files are small and a few hold most of the bytes."""
    sizes = [chance.lognormvariate(8.2, 2.1) for _ in range(count)]
    scale = total / sum(sizes)
    return [max(1, int(size * scale)) for size in sizes]


def write_tar(path, shape):
    """Writes the layer's tar archive; returns its digest."""
    chance = random.Random(20240229)
    contents = _Contents(chance)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        def add(name, kind, mode, link="", data=b""):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.linkname = kind, mode, link
            entry.size, entry.mtime = len(data), 1_700_000_000
            tar.addfile(entry, io.BytesIO(data))

        directories = [""]
        for number in range(shape["directories"]):
            parent = directories[int(len(directories) * chance.random() ** 2)]
            if parent.count("/") > 8:
                parent = ""
            directories.append(f"{parent}d{number:04}/")
            add(directories[-1], tarfile.DIRTYPE, 0o755)
        files = []
        for number, size in enumerate(_sizes(chance, shape["files"], shape["bytes"])):
            name = f"{chance.choice(directories)}file-{number:05}"
            is_text = chance.random() < 0.55
            head = f"{number:08x}\n".encode()
            add(name, tarfile.REGTYPE, 0o644 if is_text else 0o755, data=(head + contents.take(size, is_text))[:size])
            files.append(name)
        for number in range(shape["links"]):
            target = chance.choice(files)
            if number % 4 == 0:
                add(f"{chance.choice(directories)}hard-{number:04}", tarfile.LNKTYPE, 0o644, target)
            else:
                add(f"{chance.choice(directories)}soft-{number:04}", tarfile.SYMTYPE, 0o777, "/" + target)
    return _digest(path)


def _digest(path):
    hashing = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            hashing.update(block)
    return "sha256:" + hashing.hexdigest()


def write_image(directory, shape):
    """Writes an OCI image layout with one image, `bench`, of one gzip layer; returns (bytes of tar, of gzip)."""
    blobs = os.path.join(directory, "blobs/sha256")
    os.makedirs(blobs)
    tar = os.path.join(directory, "layer.tar")
    diff_id = write_tar(tar, shape)
    packed = os.path.join(directory, "layer.tar.gz")
    with open(tar, "rb") as source, open(packed, "wb") as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as target:
            while block := source.read(1 << 20):
                target.write(block)
    sizes = os.path.getsize(tar), os.path.getsize(packed)
    os.unlink(tar)
    digest = _digest(packed)
    os.rename(packed, os.path.join(blobs, digest.removeprefix("sha256:")))

    def put(document):
        data = json.dumps(document).encode()
        name = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, name), "wb") as file:
            file.write(data)
        return {"digest": "sha256:" + name, "size": len(data)}

    kind = "application/vnd.oci.image."
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    config = put({"architecture": machine, "os": "linux", "config": {"Cmd": ["/bin/true"]},
                  "rootfs": {"type": "layers", "diff_ids": [diff_id]}})
    manifest = put({
        "schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
        "config": {"mediaType": kind + "config.v1+json", **config},
        "layers": [{"mediaType": kind + "layer.v1.tar+gzip", "digest": digest, "size": sizes[1]}]})
    with open(os.path.join(directory, "index.json"), "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 2, "manifests": [{
            "mediaType": kind + "manifest.v1+json", **manifest,
            "annotations": {"org.opencontainers.image.ref.name": "bench"}}]}, file)
    with open(os.path.join(directory, "oci-layout"), "w", encoding="utf-8") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)
    return sizes
