#!/usr/bin/env python3
"""The tiny image in other clothes.

    variants.py zstd|plain OUTPUT.tar    its layer compressed by zstd, or not at all
    variants.py index OUTPUT.tar         an index of one image for each of several platforms; `/arch` tells which
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from images import OCI, ARCHITECTURE, Image, Layer, archive, busybox_layer, layout, write  # noqa: E402

PLATFORMS = [("amd64", None), ("arm64", None), ("arm", "v6"), ("arm", "v7"), ("s390x", None)]


def main(kind, output):
    config = {"Env": ["PATH=/usr/bin:/bin", "FROM_IMAGE=yes"], "Cmd": ["/bin/sh"]}
    if kind != "index":
        image = Image([busybox_layer()], config, "latest", compression=kind)
        return write(output, archive(image.files()))
    descriptors, store = [], {}
    for architecture, variant in PLATFORMS:
        name = architecture + ("/" + variant if variant else "")
        image = Image([busybox_layer(), Layer().add("arch", name + "\n")], config, architecture=architecture, variant=variant)
        descriptor, blobs = image.blobs()
        store.update(blobs)
        platform = {"os": "linux", "architecture": architecture}
        if variant:
            platform["variant"] = variant
        descriptors.append(dict(descriptor, platform=platform))
    # What builders add beside the images: not an image, and not to be taken for one.
    descriptors.append(dict(descriptors[0], platform={"os": "unknown", "architecture": "unknown"},
                            annotations={"vnd.docker.reference.type": "attestation-manifest"}))
    files = layout(descriptors, store)
    write(output, archive(files))


main(*sys.argv[1:])
