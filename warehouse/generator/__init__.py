"""The generator of raw files: a copula of client scores, and histories that follow from them.

`calibrate` measures a raw folder into `statistics.json`; the other modules draw from that file and never see a raw one.
"""
