from __future__ import annotations

from stages.report.constant_words import FITTED, fitted_words


def test_a_channel_without_a_std_is_named() -> None:
    assert fitted_words("pixel", {}) == FITTED["pixel"]
    assert fitted_words("image", {"blue": 7}) == (
        f"{FITTED['image']} In blue every pixel is 7 of 255: its std is set to 1."
    )
