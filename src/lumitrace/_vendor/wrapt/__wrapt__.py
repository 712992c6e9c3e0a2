# lumitrace: wrapt 1.17.3 as published, but for this file. The pure Python classes are always used:
# the layer carries no C extension, and must not find anybody else's.
from .wrappers import (ObjectProxy, CallableObjectProxy,
        PartialCallableObjectProxy, FunctionWrapper,
        BoundFunctionWrapper, _FunctionWrapperBase)
