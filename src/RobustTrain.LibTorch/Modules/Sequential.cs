using System.Runtime.CompilerServices;
using TorchSharp.Modules;

namespace TorchSharp.Modules
{
    /// <summary>Modules that run one after another.</summary>
    public class Sequential : torch.nn.Module<torch.Tensor, torch.Tensor>
    {
        private readonly List<(string Name, torch.nn.Module<torch.Tensor, torch.Tensor> Module)> _parts = [];

        internal Sequential() : base(nameof(Sequential)) { }

        protected Sequential(params (string name, torch.nn.Module<torch.Tensor, torch.Tensor> submodule)[] modules) : this()
        {
            foreach ((string name, torch.nn.Module<torch.Tensor, torch.Tensor> part) in modules) _ = append(name, part);
        }

        protected Sequential(params torch.nn.Module<torch.Tensor, torch.Tensor>[] modules) : this()
        {
            foreach (torch.nn.Module<torch.Tensor, torch.Tensor> part in modules) _ = append(part);
        }

        public int Count => _parts.Count;

        [IndexerName("SequentialItems")]
        public torch.nn.IModule<torch.Tensor, torch.Tensor> this[int index] => _parts[index].Module;

        [IndexerName("SequentialItems")]
        public Sequential this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? _parts.Count);

        [IndexerName("SequentialItems")]
        public Sequential this[Range index] => Slice(index.Start.GetOffset(_parts.Count), index.End.GetOffset(_parts.Count));

        public Sequential append(string name, torch.nn.IModule<torch.Tensor, torch.Tensor> module)
        {
            var part = (torch.nn.Module<torch.Tensor, torch.Tensor>)module;
            register_module(name, part);
            _parts.Add((name, part));
            return this;
        }

        public Sequential append(torch.nn.IModule<torch.Tensor, torch.Tensor> module) => append(_parts.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), module);

        public override torch.Tensor forward(torch.Tensor tensor)
        {
            if (_parts.Count == 0) return tensor.alias();
            torch.Tensor current = tensor;
            foreach ((_, torch.nn.Module<torch.Tensor, torch.Tensor> part) in _parts)
            {
                torch.Tensor next = part.call(current);
                // The graph keeps what backward needs; the object is of no use any more.
                if (!ReferenceEquals(current, tensor) && !ReferenceEquals(current, next)) current.Dispose();
                current = next;
            }
            return current;
        }

        private Sequential Slice(int start, int end)
        {
            if (start < 0 || start > _parts.Count) throw new IndexOutOfRangeException($"{start} is not a valid index.");
            if (end < 0 || end > _parts.Count) throw new IndexOutOfRangeException($"{end} is not a valid index.");
            var slice = new Sequential();
            for (int i = start; i < end; i++) _ = slice.append(_parts[i].Name, _parts[i].Module);
            return slice;
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Sequential Sequential() => new();

            public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) =>
                Sequential((IEnumerable<(string name, Module<Tensor, Tensor> submodule)>)modules);

            public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => Sequential((IEnumerable<Module<Tensor, Tensor>>)modules);

            public static Sequential Sequential(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules)
            {
                Sequential made = Sequential();
                foreach ((string name, Module<Tensor, Tensor> part) in modules) _ = made.append(name, part);
                return made;
            }

            public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules)
            {
                Sequential made = Sequential();
                foreach (Module<Tensor, Tensor> part in modules) _ = made.append(part);
                return made;
            }
        }
    }
}
