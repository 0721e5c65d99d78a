#!/usr/bin/env python3
"""Archives that nobody should be able to load, or that have to be loaded with care.

    malformed.py OUTPUT_DIRECTORY VICTIM_DIRECTORY

Writes OUTPUT_DIRECTORY/refused/*.tar (each must be refused), OUTPUT_DIRECTORY/escapes/*.tar (each may be refused or
loaded, but nothing may appear in VICTIM_DIRECTORY).
"""
import copy
import gzip
import json
import os
import sys
import tarfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from images import OCI, Image, Layer, Raw, archive, busybox_layer, layout, sha256, tiny, write  # noqa: E402


def small(*layers, name="localhost/bad:latest"):
    return Image(list(layers) or [Layer().add("file", "content\n")], {"Cmd": ["/bin/sh"]}, name)


def with_document(change, which):
    """An archive whose manifest, configuration or index was changed, with every digest made to fit again."""
    image = small()
    descriptor, store = image.blobs()
    manifest = json.loads(store[descriptor["digest"]])
    config = json.loads(store[manifest["config"]["digest"]])
    layer = manifest["layers"][0]["digest"]
    blobs = {layer: store[layer]}
    if which == "config":
        config = change(config)
    data = config if isinstance(config, bytes) else json.dumps(config).encode()
    manifest["config"].update(digest=sha256(data), size=len(data))
    blobs[sha256(data)] = data
    if which == "manifest":
        manifest = change(manifest)
    data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    blobs[sha256(data)] = data
    descriptor = {"mediaType": OCI + "manifest.v1+json", "digest": sha256(data), "size": len(data),
                  "annotations": {"org.opencontainers.image.ref.name": "localhost/bad:latest"}}
    files = layout([descriptor], blobs)
    if which == "index":
        index = change(json.loads(files["index.json"]))
        files["index.json"] = index if isinstance(index, bytes) else json.dumps(index).encode()
    return archive(files)


def without(name):
    def change(document):
        document = copy.deepcopy(document)
        document.pop(name)
        return document
    return change


def setting(name, value):
    def change(document):
        document = copy.deepcopy(document)
        document[name] = value
        return document
    return change


def layer_digest_mismatch():
    files = small().files()
    descriptor, store = small().blobs()
    layer = json.loads(store[descriptor["digest"]])["layers"][0]["digest"]
    data = files["blobs/sha256/" + layer[7:]]
    files["blobs/sha256/" + layer[7:]] = data[:-1] + bytes([data[-1] ^ 1])
    return archive(files)


def layer_of_another_diff_id():
    image = small()
    config = json.loads(image.config)
    config["rootfs"]["diff_ids"] = ["sha256:" + "0" * 64]
    image.config = json.dumps(config).encode()
    return archive(image.files())


def truncated_gzip():
    """The blob's own digest is right, but its gzip stream ends early."""
    return replaced_layer(lambda data: data[:-20])


def replaced_layer(change):
    image = small(busybox_layer())
    descriptor, store = image.blobs()
    manifest = json.loads(store[descriptor["digest"]])
    data = change(store.pop(manifest["layers"][0]["digest"]))
    manifest["layers"][0].update(digest=sha256(data), size=len(data))
    store.pop(descriptor["digest"])
    store[sha256(data)] = data
    data = json.dumps(manifest).encode()
    store[sha256(data)] = data
    return archive(layout([{"mediaType": OCI + "manifest.v1+json", "digest": sha256(data), "size": len(data),
                            "annotations": {"org.opencontainers.image.ref.name": "localhost/bad:latest"}}], store))


def wrong_size(delta):
    def change(manifest):
        manifest["layers"][0]["size"] += delta
        return manifest
    return with_document(change, "manifest")


def broken_tar():
    tar = bytearray(Layer().add("file", "content\n" * 1000).bytes())
    tar[148:156] = b"0000000\0"
    return archive(small(Raw(bytes(tar))).files())


def cut_tar():
    return archive(small(Raw(Layer().add("file", "content\n" * 1000).bytes()[:3000])).files())


def missing_blob():
    files = small().files()
    descriptor, store = small().blobs()
    files.pop("blobs/sha256/" + json.loads(store[descriptor["digest"]])["layers"][0]["digest"][7:])
    return archive(files)


REFUSED = {
    "not-a-tar": lambda: b"this is no archive at all\n" * 100,
    "empty": lambda: b"",
    "empty-tar": lambda: archive({}),
    "no-index": lambda: archive({k: v for k, v in small().files().items() if k != "index.json"}),
    "index-no-json": lambda: with_document(lambda _: b"{not json", "index"),
    "index-deep": lambda: with_document(lambda _: b"[" * 100000 + b"]" * 100000, "index"),
    "index-manifests-number": lambda: with_document(setting("manifests", 7), "index"),
    "manifest-no-json": lambda: with_document(lambda _: b"\xff\xfe\x00", "manifest"),
    "manifest-no-layers": lambda: with_document(without("layers"), "manifest"),
    "manifest-no-config": lambda: with_document(without("config"), "manifest"),
    "manifest-layers-string": lambda: with_document(setting("layers", "many"), "manifest"),
    "manifest-version": lambda: with_document(setting("schemaVersion", 1), "manifest"),
    "config-no-json": lambda: with_document(lambda _: b"hello", "config"),
    "config-no-rootfs": lambda: with_document(without("rootfs"), "config"),
    "config-diff-ids-short": lambda: with_document(
        setting("rootfs", {"type": "layers", "diff_ids": []}), "config"),
    "config-diff-ids-bad": lambda: with_document(
        setting("rootfs", {"type": "layers", "diff_ids": ["sha256:zz"]}), "config"),
    "layer-digest": layer_digest_mismatch,
    "layer-diff-id": layer_of_another_diff_id,
    "layer-missing": missing_blob,
    "layer-truncated-gzip": truncated_gzip,
    "layer-garbage": lambda: replaced_layer(lambda _: gzip.compress(b"no tar" * 1000)),
    "layer-size-less": lambda: wrong_size(-5),
    "layer-size-more": lambda: wrong_size(5),
    "layer-tar-checksum": broken_tar,
    "layer-tar-cut": cut_tar,
    "archive-cut": lambda: archive(tiny().files())[:300000],
}


def escapes(victim):
    up = "../" * 20
    target = victim.lstrip("/")
    return {
        "dot-dot": Layer().add(up + target + "/dot-dot", "x"),
        "dot-dot-inside": Layer().directory("a").add("a/../" + up + target + "/dot-dot-inside", "x"),
        "absolute": Layer().add(victim + "/absolute", "x"),
        "symlink-then-file": Layer().symlink("link", victim).add("link/through-symlink", "x"),
        "relative-symlink-then-file": Layer().symlink("link", up + target).add("link/through-relative", "x"),
        "symlink-chain": Layer().symlink("a", "b").symlink("b", victim).add("a/through-chain", "x"),
        "symlink-then-directory": Layer().symlink("link", victim).directory("link/made"),
        "symlink-replaced-file": Layer().symlink("file", victim + "/replaced").add("file", "x"),
        "hardlink-out": Layer().hardlink("passwd", victim + "/secret").add("passwd", "overwritten"),
        "hardlink-up": Layer().hardlink("passwd", up + target + "/secret").add("passwd", "overwritten"),
        "hardlink-through-symlink": Layer().symlink("l", victim).hardlink("h", "l/secret").add("h", "overwritten"),
        "hardlink-to-symlink": Layer().symlink("l", victim + "/secret").hardlink("h", "l").add("h", "overwritten"),
        "whiteout-up": Layer().add(up + target + "/.wh.secret"),
        "whiteout-dot-dot": Layer().directory("a").add("a/.wh..."),
        "whiteout-slash": Layer().add(".wh."),
        "whiteout-through-symlink": Layer().symlink("l", victim).add("l/.wh.secret"),
        "opaque-through-symlink": Layer().symlink("l", victim).add("l/.wh..wh..opq"),
        "symlink-in-lower": None,
        "fifo-in-the-way": Layer().add("f", type=tarfile.FIFOTYPE).add("f", "x"),
        "root-as-file": Layer().add(".", "x"),
        "root-as-symlink": Layer().symlink("./", victim).add("through-root", "x"),
        "pax-path": Layer().add("short", "x", pax={"path": up + target + "/by-pax"}),
        "pax-linkpath": Layer().symlink("l", "short", pax={"linkpath": victim}).add("l/by-linkpath", "x"),
        "mode-through-symlink": Layer().symlink("l", victim + "/secret").add("l", type=tarfile.SYMTYPE, mode=0o4777,
                                                                               link=victim + "/secret"),
        "nul-in-name": Layer().add("a\0b", "x"),
    }


def main(out, victim):
    os.makedirs(out + "/refused", exist_ok=True)
    os.makedirs(out + "/escapes", exist_ok=True)
    for name, make in REFUSED.items():
        write(f"{out}/refused/{name}.tar", make())
    for name, layer in escapes(victim).items():
        if layer is None:
            lower = Layer().symlink("link", victim)
            upper = Layer().add("link/through-lower", "x").add("link/.wh.secret")
            layers = [busybox_layer(), lower, upper]
        else:
            layers = [busybox_layer(), layer]
        write(f"{out}/escapes/{name}.tar", archive(small(*layers, name=f"localhost/{name}:latest").files()))


if __name__ == "__main__":
    main(*sys.argv[1:])
