"""The colors of the page and its charts by their role, in the light and the dark scheme.

The categories are based on Okabe and Ito's palette, which is distinguishable with color blindness, and charts also use
different markers.
"""

LIGHT = {
    "surface": "#ffffff",
    "panel": "#f5f6f8",
    "line": "#dde1e7",
    "muted": "#59616d",
    "ink": "#1a1d21",
    "learner": "#0072b2",
    "learner11": "#d55e00",
    "backbone": "#00916a",
    "control": "#868e99",
    "example": "#aa4a88",
}
DARK = {
    "surface": "#14171b",
    "panel": "#1d2127",
    "line": "#363d47",
    "muted": "#a4acb8",
    "ink": "#e9ebee",
    "learner": "#4aa8e8",
    "learner11": "#ee8434",
    "backbone": "#21c08f",
    "control": "#818a97",
    "example": "#e59ad0",
}
