# lumitrace: wrapt 1.17.3 as published, but for this file and __wrapt__.py. What the layer uses is
# imported; the rest, which the layer leaves out, at first use.
__version_info__ = ('1', '17', '3')
__version__ = '.'.join(__version_info__)

from .wrappers import ObjectProxy

_REST = {
    'CallableObjectProxy': '__wrapt__', 'FunctionWrapper': '__wrapt__',
    'BoundFunctionWrapper': '__wrapt__', 'PartialCallableObjectProxy': '__wrapt__',
    'resolve_path': 'patches', 'apply_patch': 'patches', 'wrap_object': 'patches',
    'wrap_object_attribute': 'patches', 'function_wrapper': 'patches',
    'wrap_function_wrapper': 'patches', 'patch_function_wrapper': 'patches',
    'transient_function_wrapper': 'patches',
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
