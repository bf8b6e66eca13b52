"""Transcripts as people have them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacotron2.recordings.transcripts import Passage, TranscriptError, find_transcript, read_transcript

SRT = """1
00:00:01,000 --> 00:00:04,500
<i>Good morning.</i>
How are you?

2
00:00:05,000 --> 00:00:06,000
[door slams]

3
01:00:07,5 --> 01:00:09,000
{\\an8}- ANNA: Fine &amp; well.
"""
VTT = """WEBVTT - a title

STYLE
::cue { color: red }

NOTE
three lines
of a remark

first
00:01.000 --> 00:04.000 align:start position:10%
<v Anna>Good <c.loud>morning</c>.

01:00:05.250 --> 01:00:06.000
♪ la la la ♪

01:00:07.000 --> 01:00:09.000
(music)
Right (or wrong), 12 o'clock: now.
"""


def read(folder: Path, name: str, content: str | bytes) -> list[Passage]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_transcript(path)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_subrip(tmp_path: Path, ends: str, mark: str) -> None:
    assert read(tmp_path, "a.srt", mark + SRT.replace("\n", ends)) == [
        Passage("Good morning. How are you?", 1.0, 4.5),
        Passage("Fine & well.", 3607.5, 3609.0),
    ]


def test_webvtt(tmp_path: Path) -> None:
    assert read(tmp_path, "a.vtt", VTT) == [
        Passage("Good morning.", 1.0, 4.0),
        Passage("Right (or wrong), 12 o'clock: now.", 3607.0, 3609.0),
    ]


@pytest.mark.parametrize("rule", ["* * *", "---", "#", " ***\t", "———", "§ §"])
def test_lines_without_a_letter_carry_no_words(tmp_path: Path, rule: str) -> None:
    assert read(tmp_path, "a.txt", f"{rule}\nOne,\n{rule}\n\n - 2 -\n{rule}") == [
        Passage("One,"),
        Passage("- 2 -"),
    ]
    with pytest.raises(TranscriptError, match="no words"):
        read(tmp_path, "b.txt", f"{rule}\n\n{rule}")


def test_paragraphs_of_a_text(tmp_path: Path) -> None:
    found = read(tmp_path, "a.txt", "\ufeffOne line,\r\nthe  next.\r\n \r\n\r\nÄnother 00:01 --> 00:02.")
    assert found == [Passage("One line, the next."), Passage("Änother 00:01 --> 00:02.")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("<b>Bold</b> <00:00:01.000>and later", "Bold and later"),
        ("- Who is there?", "Who is there?"),
        ("— Кто там?", "Кто там?"),
        ("МАРИЯ: Это я.", "Это я."),
        ("FRAU ÖZ: Guten Tag.", "Guten Tag."),
        ("Remember: be kind.", "Remember: be kind."),
        (">> Go on.", "Go on."),
        ("[laughs] No.", "No."),
        ("x < y &lt; z", "x < y < z"),
        ("a well-known-fact - indeed", "a well-known-fact - indeed"),
    ],
)
def test_what_is_said_of_a_line(tmp_path: Path, line: str, said: str) -> None:
    assert read(tmp_path, "a.srt", f"1\n00:00:01,000 --> 00:00:02,000\n{line}\n")[0].text == said


def test_captions_that_roll_say_each_line_once(tmp_path: Path) -> None:
    rolling = (
        "00:01.000 --> 00:03.000\nthe first\n\n"
        "00:02.500 --> 00:05.000\nthe first\nthe second\n\n"
        "00:05.000 --> 00:07.000\nthe second\nthe third\n\n"
        "00:20.000 --> 00:21.000\nthe third\n"
    )
    assert read(tmp_path, "a.vtt", "WEBVTT\n\n" + rolling) == [
        Passage("the first", 1.0, 2.5),
        Passage("the second", 2.5, 5.0),
        Passage("the third", 5.0, 7.0),
        Passage("the third", 20.0, 21.0),
    ]


def test_cues_in_another_order_and_a_blank_line_inside(tmp_path: Path) -> None:
    content = (
        "2\n00:00:05,000 --> 00:00:06,000\nlater\n\n1\n00:00:01,000 --> 00:00:02,000\nfirst\n\nstill first\n"
    )
    assert read(tmp_path, "a.srt", content) == [
        Passage("first still first", 1.0, 2.0),
        Passage("later", 5.0, 6.0),
    ]


def test_a_number_that_is_said_stays(tmp_path: Path) -> None:
    found = read(
        tmp_path, "a.srt", "1\n00:00:01,000 --> 00:00:02,000\n42\n\n2\n00:00:03,000 --> 00:00:04,000\nyes\n"
    )
    assert [each.text for each in found] == ["42", "yes"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.srt", "1\n00:00:04,000 --> 00:00:01,000\nback\n", ["a.srt, line 2", "ends before it begins"]),
        ("a.srt", "1\n0:4 --> 0:5\nno\n", ["a.srt, line 2", "no pair of times", "00:00:01,000"]),
        (
            "a.srt",
            "1\n00:00:01,000 --> 00:00:02,000\nyes\n\n2\n00:00:05 --> 00:00:07\nno\n",
            ["a.srt, line 6", "no pair of times"],
        ),
        ("a.srt", "just words\n", ["a.srt", "no cue"]),
        ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n[music]\n", ["no cue"]),
        ("a.txt", " \n\n", ["a.txt", "no words"]),
        ("a.txt", b"caf\xe9", ["byte 4 is not UTF-8"]),
    ],
)
def test_mistakes_name_file_and_line(
    tmp_path: Path, name: str, content: str | bytes, words: list[str]
) -> None:
    with pytest.raises(TranscriptError) as caught:
        read(tmp_path, name, content)
    assert all(word in str(caught.value) for word in words)


def test_times_go_before_a_plain_text(tmp_path: Path) -> None:
    recording = tmp_path / "chapter.one.flac"
    assert find_transcript(recording) is None
    for ending in ("txt", "vtt", "srt"):
        (tmp_path / f"chapter.one.{ending}").write_text("x")
        assert find_transcript(recording) == tmp_path / f"chapter.one.{ending}"


@given(st.text(max_size=400))
def test_any_content_gives_passages_or_a_mistake_in_words(
    tmp_path_factory: pytest.TempPathFactory, content: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for ending in ("srt", "vtt", "txt"):
        try:
            found = read(folder, f"a.{ending}", content.encode("utf-8", "replace"))
        except TranscriptError:
            continue
        assert found and all(each.text.strip() for each in found)
