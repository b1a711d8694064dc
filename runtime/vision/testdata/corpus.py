"""What the generators of the image corpora share.

A corpus is corpus.zip, which holds image files, and corpus.txt, which has a
line for each of them: its name, width, height, and the SHA-256 of its pixels
as Pillow decodes them: dropping alpha, and blended with white ("-" where
Pillow's answer is not the reference).
"""

import hashlib
import io
import os
import warnings
import zipfile

import PIL
from PIL import Image, ImageFile

ImageFile.LOAD_TRUNCATED_IMAGES = True
warnings.simplefilter("ignore")


def sha(im):
    return hashlib.sha256(im.tobytes()).hexdigest()


def white(im):
    """Blends with white, as Pillow pastes with a mask."""
    im = im.convert("RGBA")
    out = Image.new("RGB", im.size, (255, 255, 255))
    out.paste(im.convert("RGB"), mask=im.getchannel("A"))
    return out


class Corpus:
    def __init__(self, here):
        self.here, self.files = here, {}

    def add(self, name, data, rgb=None, blended=None):
        """Adds a file. Given pixels replace Pillow's; blended=False leaves
        the check on white out. A file that Pillow refuses is left out."""
        assert name not in self.files, name
        try:
            if rgb is None:
                rgb = Image.open(io.BytesIO(data)).convert("RGB")
            if blended is None:
                blended = white(Image.open(io.BytesIO(data)))
        except Exception as e:
            print("left out:", name, repr(e))
            return
        self.files[name] = (data, rgb.size, sha(rgb), sha(blended) if blended else "-")

    def write(self):
        path = os.path.join(self.here, "corpus.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
            for name in sorted(self.files):
                z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), self.files[name][0], zipfile.ZIP_DEFLATED)
        with open(os.path.join(self.here, "corpus.txt"), "w") as f:
            f.write(f"# Pillow {PIL.__version__}\n")
            for name in sorted(self.files):
                _, (w, h), drop, blend = self.files[name]
                f.write(f"{name} {w} {h} {drop} {blend}\n")
        print(len(self.files), "files,", os.path.getsize(path), "bytes")
