using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>The base of networks and their parts: a tree of named modules with parameters and buffers.</summary>
        public partial class Module : IDisposable
        {
            // In the order of registration, which is the order of state_dict.
            private readonly OrderedDictionary<string, Module> _submodules = [];
            private readonly OrderedDictionary<string, (Tensor Value, bool Persistent)> _buffers = [];
            private readonly OrderedDictionary<string, Parameter> _parametersByName = [];
            private bool _training = true;
            private bool _registered;
            private bool _disposed;

            protected string name;

            protected Module(string name) => this.name = name;

            public virtual bool training => _training;

            public virtual string GetName() => string.IsNullOrEmpty(name) ? GetType().Name : name;

            public virtual void train(bool train = true)
            {
                _training = train;
                foreach ((_, Module child) in named_children()) child.train(train);
            }

            public virtual void eval() => train(false);

            public virtual Module apply(Action<Module> fn)
            {
                foreach ((_, Module child) in named_children()) _ = child.apply(fn);
                fn(this);
                return this;
            }

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (Parameter parameter in parameters())
                {
                    using Tensor? grad = parameter.grad;
                    if (grad is null) continue;
                    if (set_to_none) parameter.grad = null;
                    else _ = grad.detach_().zero_();
                }
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            /// <summary>Frees the parameters and buffers of the module and of all its parts.</summary>
            protected virtual void Dispose(bool disposing)
            {
                if (!disposing || _disposed) return;
                _disposed = true;
                foreach (Parameter parameter in _parametersByName.Values) parameter.Dispose();
                foreach ((Tensor value, _) in _buffers.Values) value.Dispose();
                foreach ((_, Module child) in named_children()) child.Dispose();
            }

            public virtual IEnumerable<(string name, Module module)> named_children() => _submodules.Select(entry => (entry.Key, entry.Value));

            public virtual IEnumerable<Module> children() => named_children().Select(entry => entry.module);

            /// <summary>All parts below this one, by their paths; not this one.</summary>
            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach ((string child, Module module) in named_children()) yield return (child, module);
                foreach ((string child, Module module) in named_children())
                {
                    foreach ((string path, Module part) in module.named_modules()) yield return ($"{child}.{path}", part);
                }
            }

            public virtual IEnumerable<Module> modules() => named_modules().Select(entry => entry.module);

            /// <summary>Each parameter once, however many modules share it.</summary>
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
                foreach ((string own, Parameter parameter) in _parametersByName)
                {
                    if (!parameter.IsInvalid && seen.Add(parameter)) yield return (own, parameter);
                }
                if (!recurse) yield break;
                foreach ((string child, Module module) in named_children())
                {
                    foreach ((string path, Parameter parameter) in module.named_parameters(true))
                    {
                        if (seen.Add(parameter)) yield return ($"{child}.{path}", parameter);
                    }
                }
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(entry => entry.parameter);

            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
                foreach ((string own, (Tensor value, bool persistent)) in _buffers)
                {
                    if (!value.IsInvalid && (persistent || include_nonpersistent) && seen.Add(value)) yield return (own, value);
                }
                if (!recurse) yield break;
                foreach ((string child, Module module) in named_children())
                {
                    foreach ((string path, Tensor value) in module.named_buffers(true, include_nonpersistent))
                    {
                        if (seen.Add(value)) yield return ($"{child}.{path}", value);
                    }
                }
            }

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                named_buffers(recurse, include_nonpersistent).Select(entry => entry.buffer);

            public virtual bool has_parameter(string target) => get_parameter(target) is not null;
            public virtual bool has_buffer(string target) => get_buffer(target) is not null;

            public virtual Parameter? get_parameter(string target)
            {
                if (_parametersByName.TryGetValue(target, out Parameter? own)) return own;
                return Child(target) is (Module child, string rest) ? child.get_parameter(rest) : null;
            }

            public virtual Tensor? get_buffer(string target)
            {
                if (_buffers.TryGetValue(target, out (Tensor Value, bool) own)) return own.Value;
                return Child(target) is (Module child, string rest) ? child.get_buffer(rest) : null;
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null || tensor.IsInvalid) throw new ArgumentNullException(nameof(tensor), "A null tensor cannot be registered as a buffer.");
                if (!_buffers.TryAdd(name, (tensor, persistent))) throw new InvalidOperationException($"Tensor {name} is already registered.");
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null || param.IsInvalid) throw new ArgumentNullException(nameof(param), "A null tensor cannot be registered as a parameter.");
                if (!_parametersByName.TryAdd(name, param)) throw new InvalidOperationException($"Parameter {name} is already registered.");
            }

            public void add_module(string name, Module module) => register_module(name, module);

            public virtual void register_module(string name, Module submodule)
            {
                if (submodule is null)
                {
                    _ = _submodules.Remove(name);
                    return;
                }
                if (string.IsNullOrEmpty(name)) throw new ArgumentException("module name can't be empty string \"\"", nameof(name));
                if (name.Contains('.')) throw new ArgumentException($"module name can't contain \".\", got: {name}", nameof(name));
                if (_submodules.ContainsKey(name)) throw new InvalidOperationException($"Sub-module {name} is already registered.");
                submodule.RegisterComponents();
                _submodules.Add(name, submodule);
            }

            /// <summary>Registers the fields of a derived module by their names: modules, parameters, and other tensors as buffers.
            /// Call it at the end of the constructor.</summary>
            protected virtual void RegisterComponents()
            {
                if (_registered) return;
                foreach (FieldInfo field in FieldsOf(GetType()))
                {
                    string field_name = field.ComponentName();
                    if (_submodules.ContainsKey(field_name) || _parametersByName.ContainsKey(field_name) || _buffers.ContainsKey(field_name)) continue;
                    switch (field.GetValue(this))
                    {
                        case Module module:
                            register_module(field_name, module);
                            break;
                        case Parameter parameter:
                            register_parameter(field_name, parameter);
                            break;
                        case Tensor tensor:
                            register_buffer(field_name, tensor);
                            break;
                    }
                }
                _registered = true;
            }

            protected void ConditionallyRegisterParameter(string name, Tensor value) => ConditionallyRegisterParameter(name, value as Parameter);

            protected void ConditionallyRegisterParameter(string name, Parameter? value)
            {
                if (value is null) _ = _parametersByName.Remove(name);
                else _parametersByName[name] = value;
            }

            protected void ConditionallyRegisterBuffer(string name, Tensor? value, bool persistent = true)
            {
                if (value is null) _ = _buffers.Remove(name);
                else _buffers[name] = (value, persistent);
            }

            protected void ClearModules() => _submodules.Clear();

            private (Module Part, string Path)? Child(string target)
            {
                int dot = target.IndexOf('.');
                if (dot < 0) return null;
                foreach ((string child, Module module) in named_children())
                {
                    if (target.AsSpan(0, dot).SequenceEqual(child)) return (module, target[(dot + 1)..]);
                }
                return null;
            }

            // The most derived class first, as TorchSharp has it; each class's fields in the order of declaration.
            private static IEnumerable<FieldInfo> FieldsOf(Type type)
            {
                var seen = new HashSet<string>();
                const BindingFlags own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly;
                for (Type? level = type; level is not null && level != typeof(Module); level = level.BaseType)
                {
                    foreach (FieldInfo field in level.GetFields(own))
                    {
                        if (seen.Add(field.Name)) yield return field;
                    }
                }
            }
        }
    }
}
