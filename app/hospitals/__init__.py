"""Master data of hospitals and departments: which institution a written name means.

normalise.key          one form of a name, to compare names by
names.read             further names in brackets, and a campus
veto.differ            two names that can never be one institution
departments.standard   a department under its standard name
titles.standard        a professional title under its standard name
"""

from app.hospitals import departments, names, normalise, titles, veto

__all__ = ["departments", "names", "normalise", "titles", "veto"]
