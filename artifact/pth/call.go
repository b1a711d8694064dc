package pth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/half"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// global reads a name, written as two lines: the module and the object.
func (m *machine) global() (any, error) {
	module, err := m.line()
	if err != nil {
		return nil, err
	}
	name, err := m.line()
	return global{module, name}, err
}

// stackGlobal makes a name of the two texts on the stack.
func (m *machine) stackGlobal() (any, error) {
	vs, err := m.popN(2)
	if err != nil {
		return nil, err
	}
	module, ok1 := vs[0].(string)
	name, ok2 := vs[1].(string)
	if !ok1 || !ok2 {
		return nil, errors.New("a name that is not a text")
	}
	return global{module, name}, nil
}

// newObjectNamed is NEWOBJ_EX: a class, its arguments and its keyword arguments.
func (m *machine) newObjectNamed() (any, error) {
	vs, err := m.popN(3)
	if err != nil {
		return nil, err
	}
	args, _ := vs[1].(tuple)
	return call(vs[0], args)
}

// reduce calls a function with a tuple of arguments.
func (m *machine) reduce() (any, error) {
	vs, err := m.popN(2)
	if err != nil {
		return nil, err
	}
	args, ok := vs[1].(tuple)
	if !ok {
		return nil, errors.New("a call without arguments")
	}
	return call(vs[0], args)
}

// call is everything that a pickle can cause: it builds a tensor or a container from
// values that were read before. Any other function returns a placeholder.
func call(function any, args tuple) (any, error) {
	g, ok := function.(global)
	if !ok {
		if o, ok := function.(*object); ok {
			return &object{o.class, args}, nil
		}
		return nil, fmt.Errorf("it calls %s", describe(function))
	}
	switch g {
	case global{"collections", "OrderedDict"}, global{"collections", "defaultdict"}:
		return orderedDict(args)
	case global{"torch._utils", "_rebuild_tensor"}, global{"torch._utils", "_rebuild_tensor_v2"}:
		return rebuildTensor(args)
	case global{"torch._utils", "_rebuild_parameter"}, global{"torch._utils", "_rebuild_parameter_with_state"}:
		if len(args) > 0 {
			switch args[0].(type) {
			case *tensor, *oddTensor:
				return args[0], nil
			}
		}
		return nil, errors.New("a parameter that is not a tensor")
	case global{"torch._tensor", "_rebuild_from_type_v2"}: // of subclasses: function, class, arguments, state
		if len(args) == 4 {
			g, _ := args[0].(global)
			inner, ok := args[2].(tuple)
			if ok && g.module == "torch._utils" {
				return call(g, inner)
			}
		}
	case global{"torch", "Size"}:
		if len(args) == 1 {
			return args[0], nil
		}
	case global{"_codecs", "encode"}:
		return encode(args)
	case global{"numpy.core.multiarray", "scalar"}, global{"numpy._core.multiarray", "scalar"}:
		return scalar(args), nil
	case global{"numpy.core.multiarray", "_reconstruct"}, global{"numpy._core.multiarray", "_reconstruct"}:
		return &oddTensor{"it is a NumPy array; in Python, save torch.from_numpy of it"}, nil
	}
	if odd := oddTensorOf(g, args); odd != nil {
		return odd, nil
	}
	return &object{g, args}, nil
}

// oddTensors maps the functions of torch._utils that make tensors of unsupported
// kinds to the reason and the remedy.
var oddTensors = map[string]string{
	"_rebuild_qtensor":                       "it is quantized; save the weights from before quantization",
	"_rebuild_sparse_tensor":                 "it is sparse; in Python, save tensor.to_dense()",
	"_rebuild_sparse_csr_tensor":             "it is sparse; in Python, save tensor.to_dense()",
	"_rebuild_nested_tensor":                 "it is a nested tensor; save a padded one",
	"_rebuild_meta_tensor_no_storage":        "it is a meta tensor, which has no data; save the model after its weights were loaded",
	"_rebuild_wrapper_subclass":              "it is a distributed tensor; save the full state dict",
	"_rebuild_xla_tensor":                    xla,
	"_rebuild_device_tensor_from_numpy":      xla,
	"_rebuild_device_tensor_from_cpu_tensor": xla,
}

const xla = "it lies on a TPU (XLA); in Python, save it after model.cpu(), or by xm.save"

// oddTensorOf returns the unsupported tensor that a call makes, or nil if it makes
// none.
func oddTensorOf(g global, args tuple) *oddTensor {
	if g.module != "torch._utils" {
		return nil
	}
	if why := oddTensors[g.name]; why != "" {
		return &oddTensor{why}
	}
	if g.name == "_rebuild_tensor_v3" { // of types without a storage class: storage, offset, shape, strides, …, type
		for _, a := range args {
			if dtype, ok := a.(global); ok && dtype.module == "torch" {
				return &oddTensor{fmt.Sprintf("its elements are of type %s, which is not read; save it as float32 or float16", dtype)}
			}
		}
		return &oddTensor{"its elements are of a type without storage class (v3), which is not read"}
	}
	return nil
}

// orderedDict makes a dict of a list of pairs, or an empty dict.
func orderedDict(args tuple) (any, error) {
	d := &dict{}
	if len(args) == 0 {
		return d, nil
	}
	items, ok := args[0].(*list)
	if !ok {
		return d, nil // the argument is the factory of a defaultdict
	}
	for _, item := range items.items {
		var kv []any
		switch item := item.(type) {
		case tuple:
			kv = item
		case *list: // from Python 2
			kv = item.items
		}
		if len(kv) != 2 {
			return nil, errors.New("an OrderedDict of something else than pairs")
		}
		d.pairs = append(d.pairs, pair{kv[0], kv[1]})
	}
	return d, nil
}

// rebuildTensor makes a tensor of storage, offset, shape and strides. It ignores the
// other arguments (requires_grad, hooks).
func rebuildTensor(args tuple) (any, error) {
	if len(args) < 4 {
		return nil, errors.New("a tensor of too few arguments")
	}
	offset, err := size(args[1])
	if err != nil {
		return nil, err
	}
	var s *storage
	switch v := args[0].(type) {
	case *storage:
		s = v
	case part:
		s, offset = v.storage, v.offset+offset
	default:
		return nil, fmt.Errorf("a tensor whose storage is %s", describe(v))
	}
	shape, err := sizes(args[2])
	if err != nil {
		return nil, err
	}
	stride, err := sizes(args[3])
	if err != nil {
		return nil, err
	}
	if len(shape) != len(stride) {
		return nil, fmt.Errorf("a tensor of shape %v with strides %v", shape, stride)
	}
	if s.odd != "" {
		return &oddTensor{s.odd}, nil
	}
	return &tensor{s, offset, shape, stride}, nil
}

// maxSide bounds offsets and sides so that computing with them does not overflow.
const maxSide = 1 << 48

func size(v any) (int, error) {
	n, ok := v.(int64)
	if !ok || n < 0 || n > maxSide {
		return 0, fmt.Errorf("a size that is %s", describe(v))
	}
	return int(n), nil
}

// maxRank is the limit of PyTorch's own fast paths, far above the rank of any
// weights.
const maxRank = 64

func sizes(v any) ([]int, error) {
	items, ok := v.(tuple)
	if !ok || len(items) > maxRank {
		return nil, fmt.Errorf("a shape that is %s", describe(v))
	}
	out := make([]int, len(items))
	for i, item := range items {
		var err error
		if out[i], err = size(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// storageTypes maps the storage classes of the module torch, without "Storage".
var storageTypes = map[string]weights.DType{
	"Double": weights.F64, "Float": weights.F32, "Half": weights.F16, "BFloat16": weights.BF16,
	"Long": weights.I64, "Int": weights.I32, "Short": weights.I16, "Char": weights.I8,
	"Byte": weights.U8, "Bool": weights.Bool,
}

// oddStorages maps the storage classes of unsupported tensors to a type of the same
// size.
var oddStorages = map[string]weights.DType{
	"ComplexFloat": weights.F64, "QInt32": weights.I32, "QInt8": weights.I8, "QUInt8": weights.U8,
	"QUInt4x2": weights.U8, "QUInt2x4": weights.U8, "Untyped": weights.U8,
}

// persistent resolves a reference out of the pickle to a storage: ("storage", type,
// key, device, elements). Legacy files add the part of another storage that it is, or
// None.
func (m *machine) persistent() (any, error) {
	v, err := m.pop()
	if err != nil {
		return nil, err
	}
	id, ok := v.(tuple)
	if !ok || len(id) < 5 || id[0] != "storage" {
		return nil, errors.New("a reference that is not to a storage")
	}
	class, ok := id[1].(global)
	name, isStorage := strings.CutSuffix(class.name, "Storage")
	dtype, known := storageTypes[name]
	odd := ""
	if !ok || !isStorage || !known || class.module != "torch" && class.module != "torch.cuda" {
		odd = fmt.Sprintf("a storage of type %s is not supported", class)
		if strings.HasPrefix(name, "Q") {
			odd = fmt.Sprintf("it is quantized (%s); save the weights from before quantization", class)
		}
		if dtype, known = oddStorages[name]; !known || !strings.HasPrefix(class.module, "torch") {
			return nil, errors.New(odd)
		}
	}
	key, ok := id[2].(string)
	if !ok {
		return nil, errors.New("a storage without a key")
	}
	elements, err := size(id[4])
	if err != nil {
		return nil, err
	}
	s := m.storages[key]
	if s == nil {
		s = &storage{key: key, dtype: dtype, odd: odd, elements: elements}
		m.storages[key] = s
	}
	if s.dtype != dtype || s.elements != elements {
		return nil, fmt.Errorf("storage %s has %d elements of %v in one place and %d of %v in another", key, s.elements, s.dtype, elements, dtype)
	}
	if len(id) < 6 || id[5] == nil {
		return s, nil
	}
	return view(s, id[5])
}

// view resolves a part of a storage: (key, offset, elements).
func view(root *storage, v any) (any, error) {
	id, ok := v.(tuple)
	if !ok || len(id) != 3 {
		return nil, errors.New("a part of a storage that has another form")
	}
	offset, err := size(id[1])
	if err != nil {
		return nil, err
	}
	elements, err := size(id[2])
	if err != nil {
		return nil, err
	}
	if offset+elements > root.elements {
		return nil, fmt.Errorf("a part of storage %s leaves it", root.key)
	}
	return part{root, offset}, nil
}

// encode is codecs.encode(text, "latin1"), by which protocol 2 writes bytes.
func encode(args tuple) (any, error) {
	if len(args) != 2 || args[1] != "latin1" {
		return nil, errors.New("bytes in an encoding that is not latin1")
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, errors.New("bytes that are not a text")
	}
	var b []byte
	for _, r := range text {
		if r > 0xff {
			return nil, errors.New("bytes above 255")
		}
		b = append(b, byte(r))
	}
	return b, nil
}

// scalar returns a NumPy scalar of a common type, such as the score of a checkpoint,
// as a number. It returns nil for other types.
func scalar(args tuple) any {
	if len(args) != 2 {
		return nil
	}
	dtype, ok := args[0].(*object)
	b, ok2 := args[1].([]byte)
	if !ok || !ok2 || dtype.class != (global{"numpy", "dtype"}) || len(dtype.args) == 0 {
		return nil
	}
	kind, _ := dtype.args[0].(string)
	switch {
	case kind == "f8" && len(b) == 8:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case kind == "f4" && len(b) == 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case kind == "f2" && len(b) == 2:
		return float64(half.FromF16(binary.LittleEndian.Uint16(b)))
	case kind == "i8" && len(b) == 8:
		return int64(binary.LittleEndian.Uint64(b))
	case kind == "i4" && len(b) == 4:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return nil
}
