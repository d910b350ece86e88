# SPDX-License-Identifier: Apache-2.0
"""Contact sheets to count ids, switches and fragmentations by eye: a strip of crops for each track, PNG files in a folder.

    .cache/accuracy/venv/bin/python tests/accuracy/sheets.py CLIP TRACKS FOLDER [--every 8] [--people GT]

TRACKS is what `fovea analyze --mot` wrote. Each strip begins with the track's id; below each crop stands the number of its picture.
With --people (ground truth in MOTChallenge's format) there is a strip for each person instead, and the id that Fovea gave stands
above each crop: none where no box covers half of the person. Needs ffmpeg, and numpy from tests/accuracy/run's folder."""

import argparse
import collections
import pathlib
import struct
import subprocess
import zlib

import numpy

WIDTH, HEIGHT = 768, 576  # of the clip
CELL, TEXT = (72, 112), 14  # of a crop; of the line of text above and below it
ACROSS, DOWN = 20, 7  # cells on a sheet
# Digits of 3 x 5 points, a row for each octal digit.
DIGITS = {"0": 0o75557, "1": 0o26227, "2": 0o71747, "3": 0o71717, "4": 0o55711, "5": 0o74717, "6": 0o74757, "7": 0o71122,
          "8": 0o75757, "9": 0o75717, "-": 0o00700}
COLOURS = [(255, 96, 96), (96, 255, 96), (112, 160, 255), (255, 255, 80), (255, 96, 255), (80, 255, 255), (255, 176, 64),
           (224, 224, 224)]


def boxes_of(path, ground_truth=False):
    """{picture: {id: (left, top, right, bottom)}}"""
    boxes = collections.defaultdict(dict)
    for line in path.read_text().splitlines():
        picture, name, left, top, width, height, confidence = (float(word) for word in line.split(",")[:7])
        if not ground_truth or confidence >= 1:
            boxes[int(picture)][int(name)] = (left - 1, top - 1, left - 1 + width, top - 1 + height)
    return boxes


def overlap(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (area - width * height)


def covering(box, tracks):
    """The id of the track that covers a box best."""
    best = max(tracks, key=lambda name: overlap(box, tracks[name]), default=None)
    return best if best is not None and overlap(box, tracks[best]) >= 0.5 else None


def pictures_of(clip):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", clip, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        size, number = WIDTH * HEIGHT * 3, 0
        while len(data := process.stdout.read(size)) == size:
            number += 1
            yield number, numpy.frombuffer(data, numpy.uint8).reshape(HEIGHT, WIDTH, 3)


def write_text(image, x, y, text, colour):
    for character in text:
        for row in range(5):
            for column in range(3):
                if DIGITS[character] >> (14 - 3 * row - column) & 1:
                    image[y + 2 * row:y + 2 * row + 2, x + 2 * column:x + 2 * column + 2] = colour
        x += 8


def draw_box(image, box, colour):
    x0, y0, x1, y1 = (max(0, round(v)) for v in box)
    image[y0:y0 + 1, x0:x1] = image[y1 - 1:y1, x0:x1] = colour
    image[y0:y1, x0:x0 + 1] = image[y0:y1, x1 - 1:x1] = colour


def crop(picture, box, colour):
    """The box and what is around it, at a scale at which the box is three quarters of the cell's height."""
    scale = 0.75 * CELL[1] / max(box[3] - box[1], 1)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    columns = (x + (numpy.arange(CELL[0]) - CELL[0] / 2) / scale).astype(int)
    rows = (y + (numpy.arange(CELL[1]) - CELL[1] / 2) / scale).astype(int)
    inside = ((rows >= 0) & (rows < HEIGHT))[:, None] & ((columns >= 0) & (columns < WIDTH))[None, :]
    cell = picture[rows.clip(0, HEIGHT - 1)[:, None], columns.clip(0, WIDTH - 1)[None, :]] * inside[:, :, None]
    draw_box(cell, [(box[0] - x) * scale + CELL[0] / 2, (box[1] - y) * scale + CELL[1] / 2,
                    (box[2] - x) * scale + CELL[0] / 2, (box[3] - y) * scale + CELL[1] / 2], colour)
    return cell


def strips_of(clip, tracks, people, every):
    """{name: [cells]}: every n-th picture of each, and its first and last one."""
    shown = people or tracks
    ends = collections.defaultdict(list)
    for picture in sorted(shown):
        for name in shown[picture]:
            ends[name].append(picture)
    strips = collections.defaultdict(list)
    for number, picture in pictures_of(clip):
        for name, box in sorted(shown.get(number, {}).items()):
            if number % every and number not in (ends[name][0], ends[name][-1]):
                continue
            track = covering(box, tracks.get(number, {})) if people else name
            colour = (128, 128, 128) if track is None else COLOURS[track % len(COLOURS)]
            cell = numpy.zeros((CELL[1] + 2 * TEXT, CELL[0], 3), numpy.uint8)
            cell[TEXT:-TEXT] = crop(picture, box, colour)
            write_text(cell, 4, 2, "-" if track is None else str(track), colour)
            write_text(cell, 4, CELL[1] + TEXT + 2, str(number), (160, 160, 160))
            strips[name].append(cell)
    return strips


def rows_of(strips):
    """Rows of cells; each strip begins a new one, with its name before it."""
    rows = []
    for name in sorted(strips):
        cells = strips[name]
        for at in range(0, len(cells), ACROSS):
            row = numpy.zeros((CELL[1] + 2 * TEXT + 2, 40 + ACROSS * CELL[0], 3), numpy.uint8)
            if at == 0:
                write_text(row, 4, 50, str(name), (255, 255, 255))
                row[:2] = 96
            for i, cell in enumerate(cells[at:at + ACROSS]):
                row[2:, 40 + i * CELL[0]:40 + (i + 1) * CELL[0]] = cell
            rows.append(row)
    return rows


def write_png(path, image):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    lines = numpy.concatenate([numpy.zeros((len(image), 1), numpy.uint8), image.reshape(len(image), -1)], axis=1)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(lines.tobytes(), 6)) + chunk(b"IEND", b""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip")
    parser.add_argument("tracks", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--every", type=int, default=8, help="pictures from crop to crop (8)")
    parser.add_argument("--people", type=pathlib.Path, help="ground truth: a strip for each person")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    people = boxes_of(arguments.people, ground_truth=True) if arguments.people else None
    rows = rows_of(strips_of(arguments.clip, boxes_of(arguments.tracks), people, arguments.every))
    for sheet, at in enumerate(range(0, len(rows), DOWN), 1):
        write_png(arguments.folder / f"sheet-{sheet:02}.png", numpy.concatenate(rows[at:at + DOWN]))
    print(f"{len(rows)} strips' rows on {sheet} sheets in {arguments.folder}")


if __name__ == "__main__":
    main()
