"""The report: one HTML file about a network that opens anywhere, without network and without keras-vnn.

In: a model or an `Architecture`, and maybe cells and a comparison. Out: `pl.report_data`, everything the page shows as
plain JSON values, and `pl.write_report`, the page. Keras is imported only when a model is given.
"""

from keras_vnn.export.report._page import report_data, write_report

__all__ = ["report_data", "write_report"]
