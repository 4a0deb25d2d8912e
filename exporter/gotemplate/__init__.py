"""Go's text/template language in pure Python: no I/O, no ``eval``, Go's exact error texts.

Front door:

- ``template_set``: ``TemplateSet`` parses texts and executes templates by name.
- ``function``: ``Function``, ``FunctionError``, ``registrar`` for what templates may call.
- ``values``: how Go values look in Python, ``GoObject`` for things with methods.
- ``sprint``: Go's ``%v``; ``printf``: Go's ``Sprintf``.
- ``failure``: ``GoTemplateError``, a ``TemplateError`` with place, node and chain of calls.
- ``limits``: ``Limits`` of one rendering.
- ``sprig``: the sprig function library.
"""
