using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>Parameters and persistent buffers by their paths: the tensors themselves, not copies.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                string start = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
                foreach ((string path, Modules.Parameter parameter) in named_parameters()) _ = destination.TryAdd(start + path, parameter);
                foreach ((string path, Tensor buffer) in named_buffers(include_nonpersistent: false)) _ = destination.TryAdd(start + path, buffer);
                // A tensor that two parts share is named once above, but stands in the dictionary under each of its paths.
                foreach ((string child, Module module) in named_children()) _ = module.state_dict(destination, start + child);
                return destination;
            }

            /// <summary>Copies the values of <paramref name="source"/> into the tensors of the same names.</summary>
            /// <exception cref="InvalidOperationException">Strict, and the names differ.</exception>
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
            {
                Dictionary<string, Tensor> target = state_dict();
                List<string> missing = [.. target.Keys.Where(key => !source.ContainsKey(key) && !Skipped(key))];
                List<string> unexpected = [.. source.Keys.Where(key => !target.ContainsKey(key) && !Skipped(key))];
                if (strict && (missing.Count > 0 || unexpected.Count > 0))
                    throw new InvalidOperationException($"The loaded state_dict is not identical to the target dictionary: {Listed("missing", missing)}{Listed("unexpected", unexpected)}".TrimEnd(' ', ';'));
                using IDisposable quiet = no_grad();
                foreach ((string key, Tensor value) in source)
                {
                    if (!Skipped(key) && target.TryGetValue(key, out Tensor? into)) _ = into.copy_(value);
                }
                return (missing, unexpected);

                bool Skipped(string key) => skip is not null && skip.Contains(key);

                static string Listed(string what, List<string> keys) =>
                    keys.Count == 0 ? "" : $"{what} {string.Join(", ", keys.Take(5))}{(keys.Count > 5 ? $" and {keys.Count - 5} more" : "")}; ";
            }

            public Module save(string location, IList<string>? skip = null)
            {
                using FileStream stream = File.Create(location);
                return save(stream, skip);
            }

            public Module save(BinaryWriter writer, IList<string>? skip = null)
            {
                save_state_dict(writer, state_dict(), skip);
                return this;
            }

            public Module save(Stream stream, IList<string>? skip = null)
            {
                using var writer = new BinaryWriter(stream);
                return save(writer, skip);
            }

            /// <summary>TorchSharp's own format: the number of tensors, then name, type, shape and bytes of each.</summary>
            public static void save_state_dict(BinaryWriter writer, Dictionary<string, Tensor> sd, IList<string>? skip = null)
            {
                KeyValuePair<string, Tensor>[] entries = [.. sd.Where(entry => skip is null || !skip.Contains(entry.Key))];
                writer.Write7BitEncodedInt64(entries.Length);
                foreach ((string key, Tensor value) in entries)
                {
                    writer.Write(key);
                    value.Save(writer);
                }
            }

            /// <exception cref="FileNotFoundException">There is no such file.</exception>
            public virtual Module load(string location, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
            {
                using FileStream stream = File.OpenRead(location);
                return load(stream, strict, skip, loadedParameters);
            }

            /// <exception cref="ArgumentException">The file's tensors are not those of the module.</exception>
            public virtual Module load(BinaryReader reader, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
            {
                Dictionary<string, Tensor> target = state_dict();
                long entries = reader.Read7BitEncodedInt64();
                if (strict && entries != target.Count) throw new ArgumentException($"Mismatched state_dict sizes: expected {target.Count}, but found {entries} entries.");
                for (long i = 0; i < entries; i++)
                {
                    string key = reader.ReadString();
                    bool known = target.TryGetValue(key, out Tensor? into);
                    if (!known && strict) throw new ArgumentException($"Mismatched module state names: the target modules does not have a submodule or buffer named '{key}'");
                    if (known && (skip is null || !skip.Contains(key))) into!.Load(reader);
                    else TensorFormat.Skip(reader);
                    _ = loadedParameters?.TryAdd(key, known);
                }
                return this;
            }

            public Module load(Stream stream, bool strict = true, IList<string>? skip = null, Dictionary<string, bool>? loadedParameters = null)
            {
                using var reader = new BinaryReader(stream);
                return load(reader, strict, skip, loadedParameters);
            }

            public static Module Create<T>(string path) where T : Module, new() => new T().load(path);
        }
    }
}
