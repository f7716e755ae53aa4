"""The operator's database: the only room that imports sqlmodel or sqlalchemy."""
