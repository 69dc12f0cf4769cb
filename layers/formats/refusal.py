"""A file that cannot be read, said in both languages."""

from layers.problem import InputError, Problem


def refusal(where: str, rule: str, message: str, *, zh: str) -> InputError:
    """One problem of a whole file as an error; `where` is the user's name of the file.

    >>> refusal("站点.csv", "empty", "the file is empty", zh="文件为空").problems[0].in_("zh")
    '站点.csv：文件为空'
    """
    return InputError([Problem(where, "", rule, message, zh=zh)])
