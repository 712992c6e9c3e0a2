# lumitrace: wrapt 1.17.3 as published, but for this file and __wrapt__.py. What the layer uses is
# imported; the rest, which the layer leaves out, at first use.
__version_info__ = ('1', '17', '3')
__version__ = '.'.join(__version_info__)

from .__wrapt__ import (ObjectProxy, CallableObjectProxy, FunctionWrapper,
        BoundFunctionWrapper, PartialCallableObjectProxy)

from .patches import (resolve_path, apply_patch, wrap_object, wrap_object_attribute,
        function_wrapper, wrap_function_wrapper, patch_function_wrapper,
        transient_function_wrapper)

_REST = {
    'WeakFunctionProxy': 'weakrefs', 'adapter_factory': 'decorators',
    'AdapterFactory': 'decorators', 'decorator': 'decorators', 'synchronized': 'decorators',
    'register_post_import_hook': 'importer', 'when_imported': 'importer',
    'notify_module_loaded': 'importer', 'discover_post_import_hooks': 'importer',
    'formatargspec': 'arguments',
}

def __getattr__(name):
    if name not in _REST:
        raise AttributeError(name)
    from importlib import import_module
    return getattr(import_module('.' + _REST[name], __name__), name)
