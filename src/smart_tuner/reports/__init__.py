"""The report of a run or a study: one HTML file that needs nothing beside it.

What is shown is made of the records of a run (`*_page`, `curves`, `happenings`), how it is drawn is `html`
and `svg`. Nothing here starts, decides or changes anything.
"""
