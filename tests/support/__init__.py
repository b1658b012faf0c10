"""Shared by several test files: models, servers, programs, independent arithmetic. These are not tests themselves."""
