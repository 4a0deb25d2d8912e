"""From tokens to trees: one method for each construct, messages as Go words them."""

from collections.abc import Collection, Sequence
from typing import Final, NoReturn, TypeGuard

from exporter.gotemplate import nodes
from exporter.gotemplate.failure import GoTemplateError, Spot
from exporter.gotemplate.lexer import Kind, Token, lex
from exporter.gotemplate.limits import Limits, deep_recursion
from exporter.gotemplate.numbers import parse_number
from exporter.gotemplate.quoting import LiteralError, quote, unquote

_OPERANDS: Final = frozenset(
    (
        Kind.BOOL,
        Kind.CHAR_CONSTANT,
        Kind.COMPLEX,
        Kind.DOT,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.NIL,
        Kind.RAW_STRING,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.LEFT_PAREN,
    )
)
_STRINGS: Final = frozenset((Kind.STRING, Kind.RAW_STRING))


def parse(name: str, text: str, *, functions: Collection[str]) -> dict[str, nodes.Tree]:
    """Every template that ``text`` defines by name, the text itself under ``name``.

    Raises:
        GoTemplateError: The text is no template, with the message of Go's parser.
    """
    known = frozenset(functions)
    tokens = lex(text, functions=known)
    return parse_tokens(name, text, tokens, functions=known, nesting=Limits().nesting)


def parse_tokens(
    name: str, text: str, tokens: Sequence[Token], *, functions: Collection[str], nesting: int
) -> dict[str, nodes.Tree]:
    """The same out of the tokens of ``text``; ``nesting`` bounds bodies and parentheses.

    Raises:
        GoTemplateError: As ``parse``.
    """
    stream = _Stream(name, text, tokens, functions, nesting)
    with deep_recursion():
        main = _Parser(stream, name)
        main.add(main.parse_main())
    return stream.trees


class _Stream:
    """Tokens of one text, read by the parsers of all templates in it."""

    def __init__(
        self,
        name: str,
        text: str,
        tokens: Sequence[Token],
        functions: Collection[str],
        nesting: int,
    ) -> None:
        self.name = name
        self.text = text
        self.tokens = tokens
        self.functions = functions
        self.nesting = nesting
        self.index = 0
        self.trees: dict[str, nodes.Tree] = {}
        self.depth = 0


class _Parser:
    """Parses one template: the text itself, the body of a define or of a block."""

    def __init__(self, stream: _Stream, name: str) -> None:
        self.stream = stream
        self.name = name
        self.variables = ["$"]
        self.seen = -1  # index of the furthest token that this template has looked at
        self.action_line = 0  # of the action that is being parsed, 0 outside
        self.ranges = 0
        self.parens = 0

    # Tokens

    def next(self) -> Token:
        """The next token; the last one (EOF or ERROR) comes again and again."""
        stream = self.stream
        index = stream.index
        if index > self.seen:  # noqa: PLR1730 - max() is a call, on the hottest path
            self.seen = index
        if index + 1 < len(stream.tokens):
            stream.index = index + 1
        return stream.tokens[index]

    def back(self) -> None:
        """Give back the token that `next` returned last, which was not the final one."""
        self.stream.index -= 1

    def peek(self) -> Token:
        index = self.stream.index
        if index > self.seen:  # noqa: PLR1730 - max() is a call, on the hottest path
            self.seen = index
        return self.stream.tokens[index]

    def next_word(self) -> Token:
        """The next token that is no space."""
        token = self.next()
        while token.kind is Kind.SPACE:
            token = self.next()
        return token

    def peek_word(self) -> Token:
        """Skip space and look at the token behind it."""
        token = self.peek()
        while token.kind is Kind.SPACE:
            self.next()
            token = self.peek()
        return token

    def expect(self, kinds: Collection[Kind], context: str) -> Token:
        token = self.next_word()
        if token.kind not in kinds:
            self.unexpected(token, context)
        return token

    # Errors

    def fail(self, message: str) -> NoReturn:
        stream = self.stream
        token = stream.tokens[max(self.seen, 0)]
        spot = Spot.of(name=stream.name, text=stream.text, position=token.position)
        raise GoTemplateError(message, kind="parse", spot=spot.line_only())

    def unexpected(self, token: Token, context: str) -> NoReturn:
        if token.kind is not Kind.ERROR:
            self.fail(f"unexpected {token} in {context}")
        extra = ""
        if self.action_line not in (0, token.line):
            action = "" if token.text.endswith(" action") else " in action"
            extra = f"{action} started at {self.stream.name}:{self.action_line}"
        self.fail(f"{token}{extra}")

    def unquote(self, token: Token) -> str:
        try:
            text = unquote(token.text)
        except LiteralError as error:
            self.fail(str(error))
        return text

    # Templates

    def add(self, body: nodes.Body) -> None:
        """Keep a finished template, unless it is empty and there is one of that name."""
        stream = self.stream
        tree = nodes.Tree(self.name, stream.name, stream.text, body)
        before = stream.trees.get(self.name)
        if before is None or before.is_empty:
            stream.trees[self.name] = tree
        elif not tree.is_empty:
            self.fail(f"template: multiple definition of template {quote(self.name)}")

    def parse_main(self) -> nodes.Body:
        """The whole text, with its definitions taken out."""
        position = self.peek().position
        items: list[nodes.Node] = []
        while (token := self.peek()).kind is not Kind.EOF:
            if token.kind is Kind.LEFT_DELIM and self.skip_define():
                _Parser(self.stream, "definition").parse_definition()
                continue
            node = self.text_or_action()
            if isinstance(node, nodes.End | nodes.Else):
                self.fail(f"unexpected {node}")
            items.append(node)
        return nodes.Body(position, tuple(items))

    def skip_define(self) -> bool:
        """Read ``{{define`` when it is there."""
        before = self.stream.index
        self.next()
        if self.next_word().kind is Kind.DEFINE:
            return True
        self.stream.index = before
        return False

    def parse_definition(self) -> None:
        context = "define clause"
        self.name = self.unquote(self.expect(_STRINGS, context))
        self.expect((Kind.RIGHT_DELIM,), context)
        body, end = self.parse_body()
        if not isinstance(end, nodes.End):
            self.fail(f"unexpected {end} in {context}")
        self.add(body)

    def parse_body(self) -> tuple[nodes.Body, nodes.End | nodes.Else]:
        """Everything up to an end or else, and that."""
        self.deepen()
        position = self.peek_word().position
        items: list[nodes.Node] = []
        while True:
            if self.peek_word().kind is Kind.EOF:
                self.fail("unexpected EOF")
            node = self.text_or_action()
            if isinstance(node, nodes.End | nodes.Else):
                break
            items.append(node)
        self.stream.depth -= 1
        return nodes.Body(position, tuple(items)), node

    def deepen(self) -> None:
        """One body more around what comes."""
        self.stream.depth += 1
        if self.stream.depth > self.stream.nesting:
            self.fail(f"bodies are nested more than {self.stream.nesting} deep")

    def text_or_action(self) -> nodes.Node | nodes.End | nodes.Else:
        token = self.next_word()
        if token.kind is Kind.TEXT:
            return nodes.Text(token.position, token.text)
        if token.kind is not Kind.LEFT_DELIM:
            self.unexpected(token, "input")
        self.action_line = token.line
        node = self.parse_action()
        self.action_line = 0
        return node

    # Actions

    def parse_action(self) -> nodes.Node | nodes.End | nodes.Else:
        token = self.next_word()
        match token.kind:
            case Kind.IF | Kind.WITH | Kind.RANGE:
                return self.parse_branch(token.text)
            case Kind.END:
                return nodes.End(self.expect((Kind.RIGHT_DELIM,), "end").position)
            case Kind.ELSE:
                return self.parse_else()
            case Kind.TEMPLATE:
                return self.parse_template()
            case Kind.BLOCK:
                return self.parse_block()
            case Kind.BREAK:
                self.leave_range("{{break}}")
                return nodes.Break(token.position)
            case Kind.CONTINUE:
                self.leave_range("{{continue}}")
                return nodes.Continue(token.position)
        if token.kind is not Kind.EOF and token.kind is not Kind.ERROR:
            self.back()
        position = token.position
        return nodes.Action(position, self.parse_pipeline("command", Kind.RIGHT_DELIM))

    def leave_range(self, action: str) -> None:
        token = self.next_word()
        if token.kind is not Kind.RIGHT_DELIM:
            self.unexpected(token, action)
        if not self.ranges:
            self.fail(f"{action} outside {{{{range}}}}")

    def parse_branch(self, word: str) -> nodes.Branch:
        known = len(self.variables)
        pipeline = self.parse_pipeline(word, Kind.RIGHT_DELIM)
        is_range = word == "range"
        self.ranges += is_range
        body, end = self.parse_body()
        self.ranges -= is_range
        otherwise = None
        if isinstance(end, nodes.Else):
            otherwise = self.parse_otherwise(word, end)
        del self.variables[known:]
        return nodes.Branch(pipeline.position, word, pipeline, body, otherwise)

    def parse_otherwise(self, word: str, start: nodes.Else) -> nodes.Body:
        """What an else opens; ``{{else if}}`` is a branch that takes the end for both."""
        if word != "range" and self.peek().kind is (Kind.IF if word == "if" else Kind.WITH):
            self.next()
            self.deepen()
            branch = self.parse_branch(word)
            self.stream.depth -= 1
            return nodes.Body(start.position, (branch,))
        body, end = self.parse_body()
        if not isinstance(end, nodes.End):
            self.fail(f"expected end; found {end}")
        return body

    def parse_else(self) -> nodes.Else:
        token = self.peek_word()
        if token.kind is Kind.IF or token.kind is Kind.WITH:
            return nodes.Else(token.position)
        return nodes.Else(self.expect((Kind.RIGHT_DELIM,), "else").position)

    def parse_template(self) -> nodes.Template:
        context = "template clause"
        token = self.next_word()
        name = self.parse_name(token, context)
        pipeline = None
        if self.peek_word().kind is Kind.RIGHT_DELIM:
            self.next()
        else:
            pipeline = self.parse_pipeline(context, Kind.RIGHT_DELIM)
        return nodes.Template(token.position, name, pipeline)

    def parse_block(self) -> nodes.Template:
        context = "block clause"
        token = self.next_word()
        name = self.parse_name(token, context)
        pipeline = self.parse_pipeline(context, Kind.RIGHT_DELIM)
        block = _Parser(self.stream, name)
        body, end = block.parse_body()
        if not isinstance(end, nodes.End):
            self.fail(f"unexpected {end} in {context}")
        block.add(body)
        return nodes.Template(token.position, name, pipeline)

    def parse_name(self, token: Token, context: str) -> str:
        if token.kind not in _STRINGS:
            self.unexpected(token, context)
        return self.unquote(token)

    # Pipelines

    def parse_pipeline(self, context: str, end: Kind) -> nodes.Pipeline:
        position = self.peek_word().position
        variables, is_assignment = self.parse_declarations(context)
        commands: list[nodes.Command] = []
        while (token := self.peek_word()).kind in _OPERANDS:
            commands.append(self.parse_command())
        if token.kind is not end:
            self.unexpected(token, context)
        self.next()
        if not commands:
            self.fail(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], start=2):
            if isinstance(command.operands[0], _CONSTANTS):
                self.fail(f"non executable command in pipeline stage {stage}")
        return nodes.Pipeline(position, tuple(commands), variables, is_assignment)

    def parse_declarations(self, context: str) -> tuple[tuple[nodes.Variable, ...], bool]:
        """``$x :=``, ``$x =`` or, for a range, ``$i, $x :=``; whether it is an assignment."""
        variables: list[nodes.Variable] = []
        while self.peek_word().kind is Kind.VARIABLE:
            start = self.stream.index
            token = self.next()
            after = self.peek_word()
            declares = after.kind is Kind.DECLARE or after.kind is Kind.ASSIGN
            if not declares and not (after.kind is Kind.CHAR and after.text == ","):
                self.stream.index = start  # it is an argument
                break
            self.next()
            variables.append(nodes.Variable(token.position, token.text))
            self.variables.append(token.text)
            if declares:
                return tuple(variables), after.kind is Kind.ASSIGN
            if context != "range" or len(variables) > 1:
                self.fail(f"too many declarations in {context}")
            if self.peek_word().kind not in _AFTER_COMMA:
                self.fail("range can only initialize variables")
        return tuple(variables), False

    def parse_command(self) -> nodes.Command:
        position = self.peek_word().position
        operands: list[nodes.Operand] = []
        while True:
            self.peek_word()
            operand = self.parse_operand()
            if operand is not None:
                operands.append(operand)
            token = self.peek()
            if token.kind is Kind.SPACE:
                self.next()
                continue
            if token.kind is Kind.PIPE:
                self.next()
            elif token.kind is not Kind.RIGHT_DELIM and token.kind is not Kind.RIGHT_PAREN:
                self.unexpected(token, "operand")
            break
        if not operands:
            self.fail("empty command")
        return nodes.Command(position, tuple(operands))

    def parse_operand(self) -> nodes.Operand | None:
        """A term with the fields behind it."""
        term = self.parse_term()
        if term is None or self.peek().kind is not Kind.FIELD:
            return term
        position = self.peek().position
        fields: list[str] = []
        while self.peek().kind is Kind.FIELD:
            fields.append(self.next().text[1:])
        if isinstance(term, nodes.Field):
            return nodes.Field(position, (*term.names, *fields))
        if isinstance(term, nodes.Variable):
            return nodes.Variable(position, term.name, (*term.fields, *fields))
        if _is_constant(term):
            self.fail(f"unexpected . after term {quote(str(term))}")
        return nodes.Chain(position, term, tuple(fields))

    def parse_term(self) -> nodes.Operand | None:
        token = self.peek_word()
        position = token.position
        if token.kind not in _OPERANDS:
            return None
        self.next()
        match token.kind:
            case Kind.FIELD:
                return nodes.Field(position, (token.text[1:],))
            case Kind.IDENTIFIER:
                if token.text not in self.stream.functions:
                    self.fail(f"function {quote(token.text)} not defined")
                return nodes.Identifier(position, token.text)
            case Kind.STRING | Kind.RAW_STRING:
                return nodes.String(position, token.text, self.unquote(token))
            case Kind.VARIABLE:
                if token.text not in self.variables:
                    self.fail(f"undefined variable {quote(token.text)}")
                return nodes.Variable(position, token.text)
            case Kind.DOT:
                return nodes.Dot(position)
            case Kind.LEFT_PAREN:
                return self.parse_parentheses()
            case Kind.BOOL:
                return nodes.Bool(position, token.text == "true")
            case Kind.NIL:
                return nodes.Nil(position)
            case _:
                try:
                    return parse_number(token)
                except LiteralError as error:
                    self.fail(str(error))

    def parse_parentheses(self) -> nodes.Pipeline:
        if self.parens >= self.stream.nesting:
            self.fail("max expression depth exceeded")
        self.parens += 1
        pipeline = self.parse_pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
        self.parens -= 1
        return pipeline


_AFTER_COMMA: Final = frozenset((Kind.VARIABLE, Kind.RIGHT_DELIM, Kind.RIGHT_PAREN))
_CONSTANTS: Final = (nodes.Bool, nodes.Dot, nodes.Nil, nodes.Number, nodes.String)


def _is_constant(term: nodes.Operand) -> TypeGuard[nodes.Bool]:
    return isinstance(term, _CONSTANTS)
