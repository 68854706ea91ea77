"""Master data of hospitals and departments: which institution a written name means.

normalise.key          one form of a name, to compare names by
names.read             further names in brackets, and a campus
veto.differ            two names that can never be one institution
departments.standard   a department under its standard name
titles.standard        a professional title under its standard name

resolve, resolve_many  the one institution of this exact name and city, or none
suggest, pool          what a name might mean, for a person to choose from
written                names as sources wrote them, and what each means now (a module)
review                 what people decide about them, and undo (a module)
rows, load             a list of institutions: checked, looked at, taken (modules)
search, names_of, campuses_of, by_id     finding institutions
"""

from app.hospitals import departments, load, names, normalise, review, rows, titles, veto, written
from app.hospitals.finding import by_id, campuses_of, names_of, search
from app.hospitals.models import (
    Decision,
    HospitalImport,
    Institution,
    InstitutionAlias,
    Written,
)
from app.hospitals.resolve import Asked, Resolution, resolve, resolve_many
from app.hospitals.suggest import Pool, Suggestion, pool, suggest

__all__ = [
    "Asked",
    "Decision",
    "HospitalImport",
    "Institution",
    "InstitutionAlias",
    "Pool",
    "Resolution",
    "Suggestion",
    "Written",
    "by_id",
    "campuses_of",
    "departments",
    "load",
    "names",
    "names_of",
    "normalise",
    "pool",
    "resolve",
    "resolve_many",
    "review",
    "rows",
    "search",
    "suggest",
    "titles",
    "veto",
    "written",
]
