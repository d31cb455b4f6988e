-- From here on `program.project` holds new versions packed (zlib); those of before stay plain JSON and are read as such. The number
-- keeps programs away that would not know what to do with it.
SELECT 1;
